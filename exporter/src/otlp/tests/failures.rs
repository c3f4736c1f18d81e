//! A collector that fails: what is tried again, for how long, and what is lost.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;

#[tokio::test]
async fn http_failures_that_may_pass_are_tried_again() {
    for status in [429, 502, 503, 504] {
        let answers =
            [Answer::Http(status, vec![("retry-after", "0")], ""), Answer::Http(status, vec![], "")];
        let collector = Collector::start(answers, Answer::Take).await;
        assert_eq!(send(&plain(&collector, "http/protobuf"), 10).await, (10, [0; 4]), "{status}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (10, 3), "{status}");
    }
}

#[tokio::test]
async fn grpc_failures_that_may_pass_are_tried_again() {
    let exhausted = ErrorDetails::with_retry_info(Some(MS));
    let statuses = [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange]
        .map(|code| Status::new(code, "later"))
        .into_iter()
        .chain([Code::Unavailable, Code::DataLoss].map(|code| Status::new(code, "later")))
        .chain([Status::with_error_details(Code::ResourceExhausted, "later", exhausted)]);
    for status in statuses {
        let collector = Collector::start([Answer::Grpc(status.clone())], Answer::Take).await;
        assert_eq!(send(&plain(&collector, "grpc"), 10).await, (10, [0; 4]), "{status}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (10, 2), "{status}");
    }
    // What a proxy in front of a gRPC server says.
    let collector = Collector::start([Answer::Http(503, vec![], "no backend")], Answer::Take).await;
    assert_eq!(send(&plain(&collector, "grpc"), 10).await, (10, [0; 4]));
    assert_eq!((n_taken(&collector), n_requests(&collector)), (10, 2));
}

#[tokio::test]
async fn a_collector_that_asks_for_time_gets_it() {
    let later = ErrorDetails::with_retry_info(Some(300 * MS));
    let rows = [
        ("http/protobuf", Answer::Http(429, vec![("retry-after", "1")], ""), 1000 * MS),
        ("grpc", Answer::Grpc(Status::with_error_details(Code::Unavailable, "later", later)), 300 * MS),
    ];
    for (protocol, answer, wait) in rows {
        let collector = Collector::start([answer], Answer::Take).await;
        let start = Instant::now();
        assert_eq!(send(&plain(&collector, protocol), 10).await, (10, [0; 4]), "{protocol}");
        assert!(start.elapsed() >= wait, "{protocol} {:?}", start.elapsed());
        assert_eq!(n_taken(&collector), 10, "{protocol}");
    }
}

#[tokio::test]
async fn a_wait_longer_than_the_patience_loses_the_batch_at_once() {
    let collector = Collector::start([], Answer::Http(503, vec![("retry-after", "3600")], "")).await;
    assert_eq!(send(&plain(&collector, "http/protobuf"), 10).await, (0, [0, 0, 10, 0]));
    assert_eq!((n_taken(&collector), n_requests(&collector)), (0, 1));
}

#[tokio::test]
async fn failures_that_stay_lose_the_batch_at_the_first_try() {
    let http = [
        Answer::Http(400, vec![], "bad"),
        Answer::Http(401, vec![], ""),
        Answer::Http(404, vec![], ""),
        Answer::Http(413, vec![], ""),
        Answer::Http(500, vec![], ""),
        Answer::Http(200, vec![], "<html>welcome</html>"),
        Answer::Http(302, vec![("location", "/v1/logs")], ""),
        Answer::Http(308, vec![("location", "/v1/logs")], ""),
    ];
    let grpc = [
        Answer::Grpc(Status::new(Code::InvalidArgument, "bad")),
        Answer::Grpc(Status::new(Code::ResourceExhausted, "too large")),
        Answer::Http(404, vec![], ""),
        Answer::Http(200, vec![], "<html>welcome</html>"),
    ];
    let rows =
        http.map(|answer| ("http/protobuf", answer)).into_iter().chain(grpc.map(|answer| ("grpc", answer)));
    for (protocol, answer) in rows {
        let collector = Collector::start([answer.clone()], Answer::Take).await;
        assert_eq!(send(&plain(&collector, protocol), 20).await, (10, [0, 0, 10, 0]), "{answer:?}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (10, 2), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let endless: &'static str = "x".repeat(client::MAX_ANSWER + 1).leak();
    let collector = Collector::start([Answer::Http(200, vec![], endless)], Answer::Take).await;
    assert_eq!(send(&plain(&collector, "http/protobuf"), 10).await, (0, [0, 0, 10, 0]));
    assert_eq!(n_taken(&collector), 0);
}

#[tokio::test]
async fn a_collector_that_hangs_is_tried_again_after_the_timeout() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([Answer::Hang], Answer::Take).await;
        let endpoint = format!("http://{}", collector.address);
        let config = config(&endpoint, protocol, |args| args.timeout = Some("50ms".into()));
        assert_eq!(send(&config, 10).await, (10, [0; 4]), "{protocol}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (10, 2), "{protocol}");
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_tried_for_as_long_as_allowed() {
    for protocol in PROTOCOLS {
        let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let config =
            config(&format!("http://{address}"), protocol, |args| args.retry_max = Some("100ms".into()));
        let start = Instant::now();
        assert_eq!(send(&config, 25).await, (0, [0, 0, 25, 0]), "{protocol}");
        assert!(start.elapsed() > 50 * MS, "{protocol}");
    }
}
