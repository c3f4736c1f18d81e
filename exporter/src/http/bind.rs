//! From addresses as people write them to sockets that listen.

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs},
};

use nix::errno::Errno;

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It is not written as an address, or its name is unknown.
    #[error(
        "{address:?} is no address to listen on; give --web.listen-address as host:port, [v6]:port, or :port for \
         all addresses"
    )]
    NoAddress {
        /// The address as given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "cannot listen on {address}, because the port is in use; give another --web.listen-address, or stop what \
         uses it (ebpf_exporter has the same default port 9435)"
    )]
    InUse {
        /// The address as given.
        address: String,
        /// What the kernel says.
        source: io::Error,
    },
    /// The kernel does not let this process listen there.
    #[error("cannot listen on {address}; give another --web.listen-address")]
    Refused {
        /// The address as given.
        address: String,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Listens on each address: `host:port`, `[v6]:port`, or `:port` for all addresses of the machine. An address may give
/// more than one socket.
///
/// # Errors
/// At the first address on which this process cannot listen.
pub fn bind(addresses: &[String]) -> Result<Vec<TcpListener>, BindError> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.extend(bind_one(address)?);
    }
    Ok(listeners)
}

fn bind_one(address: &str) -> Result<Vec<TcpListener>, BindError> {
    let bound = match address.strip_prefix(':') {
        Some(port) => {
            let port = port.parse().map_err(|error| no_address(address, io::Error::other(error)))?;
            bind_everywhere(port)
        }
        None => TcpListener::bind(resolve(address)?).map(|listener| vec![listener]),
    };
    bound.map_err(|source| {
        let address = address.to_owned();
        match source.kind() {
            ErrorKind::AddrInUse => BindError::InUse { address, source },
            _ => BindError::Refused { address, source },
        }
    })
}

/// The one address of a name that is listened on: an IPv4 one if there is one, as in other exporters.
fn resolve(address: &str) -> Result<SocketAddr, BindError> {
    let found = address.to_socket_addrs().map_err(|source| no_address(address, source))?;
    found
        .min_by_key(SocketAddr::is_ipv6)
        .ok_or_else(|| no_address(address, io::Error::other("the name has no address")))
}

fn no_address(address: &str, source: io::Error) -> BindError {
    BindError::NoAddress { address: address.to_owned(), source }
}

/// Listens on all addresses of both families, or of IPv4 alone where there is no IPv6.
fn bind_everywhere(port: u16) -> io::Result<Vec<TcpListener>> {
    let v6 = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)) {
        Ok(listener) => listener,
        Err(error) if is_without_v6(&error) => {
            return Ok(vec![TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?]);
        }
        Err(error) => return Err(error),
    };
    if !are_families_separate() {
        return Ok(vec![v6]);
    }
    let port = v6.local_addr()?.port();
    Ok(vec![v6, TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?])
}

fn is_without_v6(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32)
}

/// Whether a socket for all IPv6 addresses leaves those of IPv4 alone. Few machines are set so, see ipv6(7).
fn are_families_separate() -> bool {
    fs::read_to_string("/proc/sys/net/ipv6/bindv6only").is_ok_and(|value| value.trim() == "1")
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn bind_to(address: &str) -> Result<Vec<TcpListener>, String> {
        bind(&[address.to_owned()]).map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    }

    #[test]
    fn a_bare_port_is_reached_by_ipv4_and_by_ipv6() {
        let listeners = bind_to(":0").unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        if listeners[0].local_addr().unwrap().is_ipv6() && TcpListener::bind("[::1]:0").is_ok() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
        }
    }

    #[test]
    fn hosts_and_bracketed_addresses_are_listened_on_alone() {
        for address in ["127.0.0.1:0", "localhost:0", "[::1]:0"] {
            match bind_to(address) {
                Ok(listeners) => assert!(listeners[0].local_addr().unwrap().ip().is_loopback(), "{address}"),
                // A machine without IPv6.
                Err(error) => assert_eq!(address, "[::1]:0", "{error}"),
            }
        }
    }

    #[test]
    fn each_address_has_its_own_socket() {
        let addresses = ["127.0.0.1:0", "127.0.0.2:0"].map(str::to_owned);
        assert_eq!(bind(&addresses).unwrap().len(), 2);
    }

    #[test]
    fn a_port_in_use_is_told_with_the_flag_and_the_exporter_that_shares_the_default() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = bind_to(&address).unwrap_err();
        for part in [&address, "--web.listen-address", "ebpf_exporter", "9435"] {
            assert!(error.contains(part), "{error}");
        }
        let error = bind_to(&format!(":{}", taken.local_addr().unwrap().port())).unwrap_err();
        assert!(error.contains("ebpf_exporter"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused_by_its_name() {
        for address in
            ["", ":", "9435", "127.0.0.1", ":http", ":65536", ":-1", "::1:9435", "[::1]", "127.0.0.1:x"]
        {
            let error = bind_to(address).unwrap_err();
            let names_it = error.contains(&format!("{address:?}")) && error.contains("--web.listen-address");
            assert!(names_it, "{error}");
        }
    }

    #[test]
    fn an_address_of_another_machine_is_refused_with_what_the_kernel_says() {
        let error = bind_to("192.0.2.1:0").unwrap_err();
        let names_it = error.contains("192.0.2.1:0") && error.contains("os error");
        assert!(names_it, "{error}");
    }
}
