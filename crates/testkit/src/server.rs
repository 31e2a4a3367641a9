//! A server that answers at a URL: one in this process ([`crate::Harness`]) or a child of it.

use crate::http::Client;

/// A server that answers at a URL.
#[derive(Clone)]
pub struct Running {
    client: Client,
}

impl Running {
    /// The server at `http://HOST:PORT`.
    pub fn at(base_url: impl Into<String>) -> Self {
        let base_url = base_url.into();
        Self {
            client: Client::new(base_url.trim_end_matches('/')),
        }
    }

    /// The server's URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.client.base_url()
    }

    /// Nobody in particular. All clients of this server share its connections and its document.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The person whom this access token names.
    pub fn person(&self, token: impl Into<String>) -> Client {
        self.client.signed_in(token)
    }

    /// A browser: keeps the cookies that it gets, and shares nothing with the other clients.
    pub fn browser(&self) -> Client {
        Client::with_cookies(self.base_url())
    }

    /// Host and port, for [`crate::raw::send`].
    pub fn address(&self) -> &str {
        let url = self.base_url();
        url.split_once("://").map_or(url, |(_, address)| address)
    }
}
