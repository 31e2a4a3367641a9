//! How often an address may ask: of every route, and tighter of those that lead to a sign-in or show what a link is enough for.
//!
//! The gate asks here before it looks at who sends a request and before anything of the body is read. What the limits of
//! guessing at an account are stands in [`crate::sign_in_limits`].

mod in_process;

pub use in_process::InProcessLimits;

use crate::middleware::client_address;
use crate::problem::Problem;
use crate::state::TrustedProxies;
use actix_web::HttpRequest;
use chrono::TimeDelta;
use kernel::{Bucket, Limits, Quota, RetryAfter};
use std::net::IpAddr;
use std::sync::Arc;

/// Which limits hold for a row of the route table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// None: for what watches the server.
    Unlimited,
    /// The one of every route.
    General,
    /// Besides, the one that all ways to a sign-in share.
    SignIn,
    /// Besides, the one of pages that whoever has their link may open: generous, as a hall full of people often has one
    /// address, and apart from the sign-ins, which it must not use up.
    Page,
    /// Besides, the one of new accounts.
    SignUp,
}

/// What the operator configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Whether anything is limited.
    pub enabled: bool,
    /// Requests of one address.
    pub requests: Quota,
    /// Requests of one address to what leads to a sign-in.
    pub sign_ins: Quota,
    /// Pages of tickets and links of campaigns that one address opens.
    pub pages: Quota,
    /// New accounts of one address.
    pub sign_ups: Quota,
}

impl LimitSettings {
    /// Nothing is limited.
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            requests: Quota {
                events: 60,
                per: TimeDelta::seconds(6),
            },
            sign_ins: Quota {
                events: 20,
                per: TimeDelta::minutes(1),
            },
            pages: Quota {
                events: 120,
                per: TimeDelta::minutes(1),
            },
            sign_ups: Quota {
                events: 5,
                per: TimeDelta::hours(1),
            },
        }
    }
}

/// Asks whoever counts, and says no for the server.
pub struct RequestLimits {
    pub(crate) counts: Arc<dyn Limits>,
    settings: LimitSettings,
    trusted_proxies: TrustedProxies,
}

impl RequestLimits {
    /// The limits that the operator configured, counted by `counts`.
    pub fn new(counts: Arc<dyn Limits>, settings: LimitSettings, trusted_proxies: TrustedProxies) -> Self {
        Self {
            counts,
            settings,
            trusted_proxies,
        }
    }

    /// Lets a request in to a row with this limit, or says when to come again.
    pub(crate) async fn admit(&self, request: &HttpRequest, limit: Limit) -> Result<(), Problem> {
        if !self.enabled() || limit == Limit::Unlimited {
            return Ok(());
        }
        let whom = self.network(request);
        let tighter = match limit {
            Limit::Unlimited | Limit::General => None,
            Limit::SignIn => Some(("sign-ins", self.settings.sign_ins)),
            Limit::Page => Some(("pages", self.settings.pages)),
            Limit::SignUp => Some(("sign-ups", self.settings.sign_ups)),
        };
        for (limit, quota) in [("requests", self.settings.requests)].into_iter().chain(tighter) {
            self.take(Bucket { limit, whom }, quota).await?;
        }
        Ok(())
    }

    pub(crate) fn enabled(&self) -> bool {
        self.settings.enabled
    }

    pub(crate) async fn take(&self, bucket: Bucket, quota: Quota) -> Result<(), Problem> {
        let taken = self.counts.take(bucket, quota).wait().await;
        taken.map_err(|refused| too_much(bucket, refused))
    }

    /// Whose requests are counted together: an IPv4 address, or the network of an IPv6 address that one customer has
    /// whole, 64 bits of it (RFC 6177).
    pub(crate) fn network(&self, request: &HttpRequest) -> u128 {
        match client_address(request, &self.trusted_proxies) {
            Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
            Some(IpAddr::V6(address)) => address.to_bits() >> 64 << 64,
            None => 0,
        }
    }
}

/// The answer to what was too much.
pub(crate) fn too_much(bucket: Bucket, refused: RetryAfter) -> Problem {
    metrics::counter!("podium_rate_limited_total", "limit" => bucket.limit).increment(1);
    Problem::rate_limited(refused.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use kernel::SystemClock;

    #[test]
    fn an_ipv6_customer_has_one_count_and_every_ipv4_address_its_own() {
        let counts = Arc::new(InProcessLimits::new(Arc::new(SystemClock)));
        let limits = RequestLimits::new(counts, LimitSettings::default(), TrustedProxies::none());
        let network = |peer: &str| {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            limits.network(&request.to_http_request())
        };
        assert_eq!(
            network("[2001:db8:1:2::1]:1"),
            network("[2001:db8:1:2:ffff::9]:2")
        );
        assert_ne!(network("[2001:db8:1:2::1]:1"), network("[2001:db8:1:3::1]:1"));
        assert_ne!(network("192.0.2.1:1"), network("192.0.2.2:1"));
        assert_eq!(network("192.0.2.1:1"), network("[::ffff:192.0.2.1]:1"));
        assert_ne!(network("192.0.2.1:1"), network("[::1]:1"));
    }
}
