//! The floor of the benchmark: it answers what it was told to, and ends with the process that started it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn it_answers_the_given_bytes_and_ends_when_its_input_does() {
    let mut body = tempfile::NamedTempFile::new().expect("a file");
    body.write_all(b"{\"a\":1}").expect("a body");
    let mut floor = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args([
            "bench",
            "floor",
            "--workers",
            "1",
            "--header",
            "etag:\"1-2\"",
            "--body",
        ])
        .arg(body.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the floor runs");
    let mut address = String::new();
    BufReader::new(floor.stdout.take().expect("its output"))
        .read_line(&mut address)
        .expect("its address");
    let mut stream = TcpStream::connect(address.trim()).expect("a connection");
    stream
        .write_all(b"GET /any HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("etag: \"1-2\"") && answer.ends_with("{\"a\":1}"),
        "{answer}"
    );
    drop(floor.stdin.take());
    assert!(floor.wait().expect("its end").success());
}
