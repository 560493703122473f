//! Whether this replica leads, for all who write: a lease of time that ends by itself, whatever hangs.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::clock::Clock;

/// Whether this replica leads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Sender<Led>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Led {
    Never,
    Until(Instant),
    Always,
}

impl Leadership {
    fn new(led: Led) -> Self {
        Self(watch::Sender::new(led))
    }

    /// Of the only replica.
    pub fn alone() -> Self {
        Self::new(Led::Always)
    }

    /// Of a candidate, which does not lead yet.
    pub fn candidate() -> Self {
        Self::new(Led::Never)
    }

    /// Whether it leads at that time.
    pub fn is_held(&self, now: Instant) -> bool {
        self.0.borrow().is_held(now)
    }

    /// Whether it leads, by the last renewal, at whatever time: for what is only said.
    pub fn leads(&self) -> bool {
        *self.0.borrow() != Led::Never
    }

    /// How much longer it leads without a renewal; none where it does not, or needs none.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        match *self.0.borrow() {
            Led::Until(deadline) if now < deadline => Some(deadline - now),
            Led::Never | Led::Until(_) | Led::Always => None,
        }
    }

    /// Completes as soon as it leads.
    pub async fn gained(&self, clock: Clock) {
        // The sender lives as long as this function.
        let mut changes = self.0.subscribe();
        let _is_held = changes.wait_for(|led| led.is_held(clock.now().steady())).await;
    }

    /// Completes as soon as it leads no more: at the deadline, whatever hangs.
    pub async fn lost(&self, clock: Clock) {
        let mut changes = self.0.subscribe();
        loop {
            let led = *changes.borrow_and_update();
            let deadline = async {
                match led {
                    Led::Never => {}
                    Led::Until(deadline) => sleep_until(deadline).await,
                    Led::Always => std::future::pending().await,
                }
            };
            tokio::select! {
                () = deadline => {}
                // The sender lives as long as this function.
                _is_renewed = changes.changed() => {}
            }
            if !self.is_held(clock.now().steady()) {
                return;
            }
        }
    }

    /// It leads until then; none: it does not.
    pub fn set(&self, until: Option<Instant>) {
        self.0.send_replace(until.map_or(Led::Never, Led::Until));
    }
}

impl Led {
    fn is_held(self, now: Instant) -> bool {
        match self {
            Self::Never => false,
            Self::Until(deadline) => now < deadline,
            Self::Always => true,
        }
    }
}
