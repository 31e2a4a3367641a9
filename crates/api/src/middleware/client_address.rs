//! Which address a request comes from.

use crate::state::TrustedProxies;
use actix_web::HttpRequest;
use actix_web::http::header;
use std::net::IpAddr;

/// The client's address: the peer's, or behind proxies whose word is taken the last one in `X-Forwarded-For` that is no
/// such proxy. What stands further left was written by the client itself.
pub fn client_address(request: &HttpRequest, trusted: &TrustedProxies) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    if !(trusted.0)(peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    let hops: Vec<&str> = request
        .headers()
        .get_all(header::X_FORWARDED_FOR)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
        if !(trusted.0)(nearest) {
            break;
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::sync::Arc;

    fn address(peer: &str, forwarded: &str) -> String {
        let trusted = TrustedProxies(Arc::new(|address| address.to_string().starts_with("10.")));
        let request = TestRequest::default()
            .peer_addr(format!("{peer}:1234").parse().unwrap())
            .insert_header((header::X_FORWARDED_FOR, forwarded))
            .to_http_request();
        client_address(&request, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_own_client() {
        assert_eq!(address("192.0.2.1", "198.51.100.7"), "192.0.2.1");
        assert_eq!(address("10.0.0.1", "203.0.113.9, 198.51.100.7"), "198.51.100.7");
        assert_eq!(address("10.0.0.1", "198.51.100.7, 10.0.0.2"), "198.51.100.7");
        assert_eq!(address("10.0.0.1", "nonsense"), "10.0.0.1");
    }
}
