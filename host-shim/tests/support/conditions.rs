//! The match conditions of the policies.

use hpa_override_testbed::World;

/// Checks, when a test is over, that no match condition of a policy has failed to evaluate: only a counter of the API
/// server shows that.
pub struct Conditions(pub &'static World);

impl Drop for Conditions {
    fn drop(&mut self) {
        // Some tests end with the API server stopped.
        if let Ok(metrics) = self.0.plane().metrics() {
            let errors = metrics.sum("apiserver_admission_match_condition_evaluation_errors_total", &[]);
            assert!(errors == 0.0 || std::thread::panicking(), "{errors} match conditions could not be evaluated");
        }
    }
}
