//! An HTTP server on a free port of this machine, for parts of the outside world that tests stand up.

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use std::net::TcpListener;

/// A port that is taken and not yet served.
pub(crate) struct LocalHttp {
    listener: TcpListener,
}

impl LocalHttp {
    /// Takes a free port.
    pub(crate) fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self { listener }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let address = self.listener.local_addr().expect("its address");
        format!("http://{address}")
    }

    /// Serves it on one thread, until the handle stops it. Needs the test's runtime.
    pub(crate) fn serve<F>(self, configure: F) -> ServerHandle
    where
        F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let server = HttpServer::new(move || App::new().configure(configure.clone()))
            .workers(1)
            .disable_signals()
            .listen(self.listener)
            .expect("a server on it")
            .run();
        let handle = server.handle();
        tokio::spawn(server);
        handle
    }
}
