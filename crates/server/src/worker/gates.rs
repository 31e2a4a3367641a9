//! Whether the other side of each medium is there. While it is not, one message now and then tries it, and the others
//! stay in the queue and lose no try.

use notification::{Delivery, Medium, PROBE_EVERY};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A gate for each medium that messages leave by.
pub struct Gates {
    gates: Mutex<Vec<(Medium, Gate)>>,
}

enum Gate {
    Open,
    Closed {
        reason: String,
        /// When it may be tried again.
        next_probe: Instant,
        /// One message is trying it.
        probing: bool,
    },
}

impl Gates {
    /// Open ones.
    pub fn over(media: &[Medium]) -> Self {
        Self {
            gates: Mutex::new(media.iter().map(|medium| (*medium, Gate::Open)).collect()),
        }
    }

    fn gates(&self) -> MutexGuard<'_, Vec<(Medium, Gate)>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The media whose messages may go.
    pub fn open(&self) -> Vec<Medium> {
        let gates = self.gates();
        let open = gates.iter().filter(|(_, gate)| matches!(gate, Gate::Open));
        open.map(|(medium, _)| *medium).collect()
    }

    /// Why the medium's messages may not go, if so.
    pub fn closed(&self, medium: Medium) -> Option<String> {
        self.gates().iter().find_map(|(of, gate)| match gate {
            Gate::Closed { reason, .. } if *of == medium => Some(reason.clone()),
            _ => None,
        })
    }

    /// The media that one message is to try now. Who asks has to send one, or say that there is none.
    pub fn take_probes(&self) -> Vec<Medium> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (medium, gate) in self.gates().iter_mut() {
            match gate {
                Gate::Closed {
                    next_probe, probing, ..
                } if !*probing && *next_probe <= now => {
                    *probing = true;
                    due.push(*medium);
                }
                _ => {}
            }
        }
        due
    }

    /// The probe was not sent.
    pub fn not_probed(&self, medium: Medium) {
        for (of, gate) in self.gates().iter_mut() {
            match gate {
                Gate::Closed {
                    next_probe, probing, ..
                } if *of == medium => {
                    *probing = false;
                    *next_probe = Instant::now() + probe_every();
                }
                _ => {}
            }
        }
    }

    /// When the next probe is due.
    pub fn next_probe(&self) -> Option<Instant> {
        let gates = self.gates();
        let due = gates.iter().filter_map(|(_, gate)| match gate {
            Gate::Closed {
                next_probe,
                probing: false,
                ..
            } => Some(*next_probe),
            _ => None,
        });
        due.min()
    }

    /// Opens or closes the gate by how a message fared; gives whether it was opened. Says so once.
    pub fn heard(&self, medium: Medium, delivery: &Delivery) -> bool {
        let name = medium.as_str();
        for (_, gate) in self.gates().iter_mut().filter(|(of, _)| *of == medium) {
            match (&mut *gate, delivery) {
                (Gate::Open, Delivery::Unreachable(reason)) => {
                    tracing::warn!(
                        medium = name,
                        reason,
                        "who takes these messages cannot be reached; they wait, and one of them tries it every {} s",
                        PROBE_EVERY.num_seconds()
                    );
                    *gate = closed(reason);
                }
                (Gate::Closed { .. }, Delivery::Unreachable(reason)) => *gate = closed(reason),
                (Gate::Closed { .. }, _) => {
                    tracing::info!(medium = name, "who takes these messages can be reached again");
                    *gate = Gate::Open;
                    return true;
                }
                (Gate::Open, _) => {}
            }
        }
        false
    }
}

fn closed(reason: &str) -> Gate {
    Gate::Closed {
        reason: reason.to_owned(),
        next_probe: Instant::now() + probe_every(),
        probing: false,
    }
}

fn probe_every() -> Duration {
    PROBE_EVERY.to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Delivery {
        Delivery::Unreachable("away".into())
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_at_a_time_tries_a_closed_gate() {
        let gates = Gates::over(&Medium::ALL);
        assert!(gates.take_probes().is_empty() && gates.next_probe().is_none());
        assert!(!gates.heard(Medium::Email, &away()));
        assert_eq!(gates.open(), [Medium::Sms]);
        assert_eq!(gates.closed(Medium::Email).as_deref(), Some("away"));
        assert!(gates.take_probes().is_empty(), "not yet");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(gates.take_probes(), [Medium::Email]);
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(gates.take_probes().is_empty(), "one is on its way");
        gates.heard(Medium::Email, &away());
        assert!(gates.take_probes().is_empty(), "it is not there");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(gates.take_probes(), [Medium::Email]);
        gates.not_probed(Medium::Email);
        assert_eq!(gates.next_probe(), Some(Instant::now() + Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_answers_opens_the_gate() {
        for answer in [
            Delivery::Sent,
            Delivery::Refused("550".into()),
            Delivery::Failed("451".into()),
        ] {
            let gates = Gates::over(&[Medium::Email]);
            gates.heard(Medium::Email, &away());
            assert!(gates.heard(Medium::Email, &answer), "{answer:?}");
            assert_eq!(gates.open(), [Medium::Email]);
        }
    }
}
