//! The section `google`, read.

use super::{Secret, error::ConfigError, sections};

/// Sign-in with an account elsewhere.
#[derive(Debug, Clone)]
pub struct Google {
    /// The issuer's URL.
    pub issuer: String,
    /// Who we are to it; without, nobody signs in there.
    pub client: Option<GoogleClient>,
    /// Paths to which people may return from there.
    pub return_paths: Vec<String>,
}

/// Who we are to the issuer.
#[derive(Debug, Clone)]
pub struct GoogleClient {
    /// Our name there.
    pub id: String,
    /// What shows that it is us.
    pub secret: Secret,
}

impl Google {
    pub(super) fn read(section: sections::Google) -> Result<Self, ConfigError> {
        if !gateway::is_safe_url(&section.issuer) {
            return Err(ConfigError::value(
                "google.issuer",
                "is to begin with https://, or with http:// and a loopback address",
            ));
        }
        let id = super::filled(section.client_id);
        let secret = section.client_secret.filter(|secret| !secret.expose().is_empty());
        let client = match (id, secret) {
            (Some(id), Some(secret)) => Some(GoogleClient { id, secret }),
            (None, None) => None,
            // One without the other is a mistake, and no wish to do without.
            (Some(_), None) => {
                return Err(ConfigError::value(
                    "google.client_secret",
                    "is missing beside google.client_id",
                ));
            }
            (None, Some(_)) => {
                return Err(ConfigError::value(
                    "google.client_id",
                    "is missing beside google.client_secret",
                ));
            }
        };
        if section.return_paths.is_empty() {
            return Err(ConfigError::value("google.return_paths", "names no path"));
        }
        if let Some(path) = section.return_paths.iter().find(|path| !is_path(path)) {
            let reason = format!("`{path}` is not a path of this server, such as /welcome");
            return Err(ConfigError::value("google.return_paths", reason));
        }
        Ok(Self {
            issuer: section.issuer,
            client,
            return_paths: section.return_paths,
        })
    }
}

/// What a browser takes for a path of the server it is at, and not for another host: `//evil.example` and
/// `/\evil.example` lead away.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_path_stays_at_the_server() {
        for (text, fits) in [
            ("/", true),
            ("/welcome?from=google#top", true),
            ("", false),
            ("welcome", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("/a b", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_path(text), fits, "{text:?}");
        }
    }
}
