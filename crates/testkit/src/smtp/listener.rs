//! The thread of the server, and its port.

use super::Inner;
use super::session;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What the thread can be told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Up,
    Down,
    Break,
}

type Told = (Order, mpsc::Sender<()>);

/// The thread; it ends with this.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    orders: Option<UnboundedSender<Told>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// A thread of its own, so that the server answers whatever the test's thread is busy with.
    pub(super) fn start(inner: Arc<Inner>) -> Self {
        let (orders, told) = unbounded_channel();
        let (ready, address) = mpsc::channel();
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = opened(bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
                let address = listener.local_addr().expect("its address");
                ready.send(address).expect("the test waits");
                serve(inner, listener, address, told).await;
            });
        };
        let thread = std::thread::Builder::new()
            .name("smtp".to_owned())
            .spawn(body)
            .expect("a thread");
        Self {
            address: address.recv().expect("a free port"),
            orders: Some(orders),
            thread: Some(thread),
        }
    }

    /// Tells the thread, and waits until it is done.
    pub(super) fn order(&self, order: Order) {
        let (done, wait) = mpsc::channel();
        if let Some(orders) = &self.orders {
            orders.send((order, done)).expect("the thread lives");
            wait.recv().expect("the thread lives");
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The thread ends when nobody can tell it anything any more.
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A socket that has the port without listening: whoever connects is refused, and nobody else gets it.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("the port is used again");
    socket
        .bind(address)
        .unwrap_or_else(|error| panic!("{address}: {error}"));
    socket
}

enum Port {
    Closed(TcpSocket),
    Open(TcpListener),
}

async fn serve(
    inner: Arc<Inner>,
    listener: TcpListener,
    address: SocketAddr,
    mut told: UnboundedReceiver<Told>,
) {
    let mut port = Port::Open(listener);
    let mut sessions = JoinSet::new();
    loop {
        let accepted = async {
            match &port {
                Port::Open(listener) => listener.accept().await,
                Port::Closed(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            order = told.recv() => {
                let Some((order, done)) = order else { return };
                port = match (order, port) {
                    (Order::Up, Port::Closed(socket)) => Port::Open(opened(socket)),
                    (Order::Down, Port::Open(listener)) => {
                        drop(listener);
                        Port::Closed(bound(address))
                    }
                    (_, port) => port,
                };
                if !matches!(order, Order::Up) {
                    sessions.shutdown().await;
                }
                let _ = done.send(());
            }
            accepted = accepted => {
                if let Ok((stream, _)) = accepted {
                    let _ = stream.set_nodelay(true);
                    inner.state().connections += 1;
                    sessions.spawn(session::run(Arc::clone(&inner), stream));
                }
            }
            Some(_) = sessions.join_next() => {}
        }
    }
}

fn opened(socket: TcpSocket) -> TcpListener {
    socket.listen(BACKLOG).expect("the port can be listened to")
}
