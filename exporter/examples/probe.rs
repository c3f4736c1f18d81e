//! Probe.
#![allow(clippy::all, clippy::pedantic)]
use killsnoop_common::filter::Filter;
use killsnoop_exporter::{counters::Counters, event::Event, kernel::{BACKENDS, Kernel, Notice, Wanted}};
fn main() {
    let t = std::time::Instant::now();
    let filter = Filter { deaths: 1, posted: 2, noise: 1, ..Filter::ALL };
    let wanted = Wanted { backends: &BACKENDS, filter, ring_bytes: 4 << 20, keep_commands: true };
    let mut kernel = match Kernel::attach(&wanted) { Ok(k) => k, Err(e) => { let mut e: Option<&dyn std::error::Error> = Some(&e); while let Some(x) = e { eprintln!("{x}"); e = x.source(); } std::process::exit(1) } };
    eprintln!("attached {:?} in {:?}", kernel.backend().name, t.elapsed());
    let (counters, reader, mut images) = kernel.take().unwrap();
    eprintln!("seeded {} {:?}", images.seed(), t.elapsed());
    std::thread::spawn(move || reader.run(|n| match n { Notice::Event(Event::Call(c)) => println!("CALL {c:?}"), n => println!("{n:#?}") }).unwrap());
    std::thread::sleep(std::time::Duration::from_secs(std::env::args().nth(1).map_or(5, |s| s.parse().unwrap())));
    let s = counters.snapshot().unwrap();
    println!("{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}", s.signals, s.deaths, s.oom_kills, s.produced, s.lost, s.programs);
}
