//! Whether and when a failed request is sent again.

use std::time::Duration;

use purlin_runtime_core::Host;

use crate::provider::ProviderError;
use crate::settings::Retry;

/// The wait before the only other attempt at a server on this machine.
const ONCE_MORE: Duration = Duration::from_millis(300);

/// What to do after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it again after this wait.
    Wait(Duration),
    /// Do not; there may be more to say about why.
    GiveUp(Option<String>),
}

/// Decides after attempt number `attempt` has failed.
pub(crate) fn judge(error: &ProviderError, attempt: u32, retry: &Retry, host: &dyn Host) -> Verdict {
    if !error.is_transient() {
        return Verdict::GiveUp(None);
    }
    if matches!(error, ProviderError::NotRunning { .. }) {
        // It may just be starting; nobody gains by a longer wait.
        return if attempt > 1 { Verdict::GiveUp(None) } else { Verdict::Wait(ONCE_MORE) };
    }
    if attempt >= retry.max_attempts {
        let why = (attempt > 1).then(|| format!("It was tried {attempt} times"));
        return Verdict::GiveUp(why);
    }
    match error.retry_after() {
        Some(asked) if asked > retry.patience => Verdict::GiveUp(Some(format!(
            "The provider asks to wait for {} s; send the prompt again then",
            asked.as_secs()
        ))),
        Some(asked) => Verdict::Wait(asked),
        None => Verdict::Wait(backoff(attempt, retry, host)),
    }
}

/// Doubles from the base up to the cap, minus up to a quarter, so that many clients do not come back at once.
fn backoff(attempt: u32, retry: &Retry, host: &dyn Host) -> Duration {
    let full = retry.base.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(retry.cap);
    let mut byte = [0];
    host.random(&mut byte);
    full.mul_f64(1.0 - f64::from(byte[0]) / 1_024.0)
}
