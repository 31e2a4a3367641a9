//! The section `http`, read.

use super::{error::ConfigError, sections};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

/// Where and for whom the server listens.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where it listens.
    pub address: SocketAddr,
    /// How people reach it, without a slash at the end; links in mails begin with it.
    pub public_url: Origin,
    /// Origins of web clients besides its own.
    pub allowed_origins: Vec<Origin>,
    /// Proxies whose word on the client's address is taken.
    pub trusted_proxies: Vec<AddressRange>,
    /// Threads that serve.
    pub workers: NonZeroUsize,
    /// How long a stop waits for what runs.
    pub shutdown_timeout: Duration,
}

/// Scheme, host and port, such as `https://events.example.org` (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || {
            format!("`{text}` is not http:// or https:// with a host and perhaps a port, and nothing more")
        };
        let plain = text.strip_suffix('/').unwrap_or(text);
        let (scheme, authority) = plain.split_once("://").ok_or_else(refusal)?;
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                port.parse::<u16>().map_err(|_| refusal())?;
                host
            }
            _ => authority,
        };
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let fits = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            }
        };
        // Browsers leave out a port that the scheme implies.
        let implied = match scheme {
            "http" if fits => ":80",
            "https" if fits => ":443",
            _ => return Err(refusal()),
        };
        let plain = plain.strip_suffix(implied).unwrap_or(plain);
        Ok(Self(plain.to_ascii_lowercase()))
    }
}

/// An address, or a range of them in CIDR form (RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

impl AddressRange {
    /// Whether the address is in the range. An IPv4 address written in IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("`{text}` is neither an IP address nor a range such as 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| refusal())?)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| refusal())?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest {
            Err(refusal())
        } else {
            Ok(Self { network, prefix })
        }
    }
}

impl Http {
    pub(super) fn read(section: sections::Http) -> Result<Self, ConfigError> {
        let address: SocketAddr = section.address.parse().map_err(|_| {
            let reason = format!(
                "`{}` is not an IP address with a port, such as 127.0.0.1:8080",
                section.address
            );
            ConfigError::value("http.address", reason)
        })?;
        let public_url = match super::filled(section.public_url) {
            Some(text) => text
                .parse()
                .map_err(|reason: String| ConfigError::value("http.public_url", reason))?,
            None => Origin(format!("http://{}", reachable(address))),
        };
        Ok(Self {
            address,
            public_url,
            allowed_origins: read_list("http.allowed_origins", &section.allowed_origins)?,
            trusted_proxies: read_list("http.trusted_proxies", &section.trusted_proxies)?,
            workers: workers(section.workers),
            shutdown_timeout: Duration::from_secs(section.shutdown_timeout_seconds),
        })
    }
}

/// An address that one can go to: listening everywhere is reached at home.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let home: IpAddr = if address.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(home, address.port())
}

/// Zero is as many as the machine has cores.
fn workers(asked: usize) -> NonZeroUsize {
    NonZeroUsize::new(asked)
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

fn read_list<T: FromStr<Err = String>>(key: &'static str, texts: &[String]) -> Result<Vec<T>, ConfigError> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|reason: String| ConfigError::value(key, reason))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_scheme_host_and_port_and_nothing_more() {
        for (text, read) in [
            ("https://events.example.org", "https://events.example.org"),
            ("http://LocalHost:3000/", "http://localhost:3000"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
            ("https://a.example:443/", "https://a.example"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://a.example:443", "http://a.example:443"),
            ("http://a.example:8080", "http://a.example:8080"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), read);
        }
        for text in [
            "",
            "*",
            "example.org",
            "ftp://example.org",
            "https://",
            "https://a/b",
            "https://u@a",
            "http://a:x",
            "http://[zz]",
            "http://a?b",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_contains_its_addresses_only() {
        let range: AddressRange = "10.1.0.0/16".parse().unwrap();
        assert!(range.contains("10.1.200.3".parse().unwrap()));
        assert!(range.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!range.contains("10.2.0.1".parse().unwrap()) && !range.contains("::1".parse().unwrap()));
        let one: AddressRange = "2001:db8::1".parse().unwrap();
        assert!(
            one.contains("2001:db8::1".parse().unwrap()) && !one.contains("2001:db8::2".parse().unwrap())
        );
        assert!(
            "0.0.0.0/0"
                .parse::<AddressRange>()
                .unwrap()
                .contains("203.0.113.9".parse().unwrap())
        );
        for text in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "::/129"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
