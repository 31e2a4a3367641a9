//! The load generator against a small server in this process.

use super::{Plan, Source, Until, run};
use actix_web::{App, HttpResponse, HttpServer, web};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Answers 201 with the body that came, or 409 to every tenth request, and counts what it sees.
fn server(seen: &Arc<AtomicU64>) -> SocketAddr {
    let seen = Arc::clone(seen);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let handler = move |body: web::Bytes| {
            let number = seen.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                if number.is_multiple_of(10) {
                    HttpResponse::Conflict().finish()
                } else {
                    HttpResponse::Created().body(body)
                }
            }
        };
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || App::new().default_service(web::to(handler.clone())));
            let server = server
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .expect("a port");
            tell.send(server.addrs()[0]).expect("somebody to tell");
            server.run().await
        })
    });
    told.recv().expect("the server's address")
}

fn requests(left: &Rc<Cell<u64>>) -> Source {
    let left = Rc::clone(left);
    Box::new(move |request| {
        request.extend_from_slice(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        left.replace(left.get().saturating_sub(1)) > 0
    })
}

#[test]
fn every_request_is_sent_once_and_counted() {
    let seen = Arc::new(AtomicU64::new(0));
    let address = server(&seen);
    let plan = Plan {
        address,
        connections: 7,
        until: Until::Exhausted(Duration::from_secs(30)),
    };
    let left = Rc::new(Cell::new(1000));
    let outcome = run(&plan, |_| requests(&left)).unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 1000);
    assert_eq!(
        outcome.statuses.into_iter().collect::<Vec<_>>(),
        [(201, 900), (409, 100)]
    );
    assert_eq!((outcome.failures, outcome.latency.len()), (0, 1000));
}

#[test]
fn a_timed_run_ends_at_its_time() {
    let address = server(&Arc::default());
    let time = Duration::from_millis(200);
    let plan = Plan {
        address,
        connections: 2,
        until: Until::Elapsed(time),
    };
    let outcome = run(&plan, |_| requests(&Rc::new(Cell::new(u64::MAX)))).unwrap();
    assert!(outcome.answers() > 0);
    assert!(
        outcome.elapsed >= time && outcome.elapsed < time * 10,
        "{:?}",
        outcome.elapsed
    );
}

#[test]
fn other_machines_are_refused() {
    let address = "192.0.2.1:80".parse().unwrap();
    let plan = Plan {
        address,
        connections: 1,
        until: Until::Elapsed(Duration::from_millis(1)),
    };
    assert!(run(&plan, |_| Box::new(|_| false)).is_err());
}
