//! regorus, Microsoft's Rego engine, for Python: the names of regorus's own binding that the sidecar uses, and
//! `Engine.decide`, a whole decision in one call.
//!
//! - Threads: an engine may be made in one and used and freed in others, by one at a time; a second one gets a
//!   `RuntimeError`. What takes long (loading, compiling, syntax trees) lets go of the interpreter lock. `decide` keeps
//!   it: a decision takes some 50 µs, and who lets go of the lock waits up to 5 ms to get it back from a busy thread.
//! - Errors: `RuntimeError` with regorus's text (which may quote the input), `TimeoutError` past the time limit.
//!   A panic arrives as pyo3's `PanicException`, and the engine is not to be used again.
//! - Depth: serde_json ends at 128 levels of JSON, regorus's parser at 32 of an expression. A function that calls itself
//!   has no end but the stack's: look for recursion in `get_ast_as_json` before the first evaluation.

#![deny(unsafe_code)]

use std::num::NonZeroU32;
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{LimitError, Value};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps of an evaluation from one look at the clock to the next: some 0.1 ms.
const STEPS: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// Policies, data and at most one input. Its clones share the first two.
#[pyclass(module = "sidecar_regorus")]
struct Engine {
    regorus: regorus::Engine,
}

#[pymethods]
impl Engine {
    #[new]
    fn new() -> Self {
        let regorus = regorus::Engine::new();
        Self { regorus }
    }

    /// A copy in microseconds, with the same time limit.
    fn clone(&self) -> Self {
        let regorus = self.regorus.clone();
        Self { regorus }
    }

    /// Every later evaluation that takes longer ends with `TimeoutError`.
    fn set_time_limit(&mut self, seconds: f64) -> PyResult<()> {
        let limit = Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let check_interval = STEPS;
        self.regorus.set_execution_timer_config(ExecutionTimerConfig { limit, check_interval });
        Ok(())
    }

    /// Parses a module; its package.
    fn add_policy(&mut self, py: Python<'_>, path: String, rego: String) -> PyResult<String> {
        py.detach(|| self.regorus.add_policy(path, rego)).map_err(told)
    }

    /// Merges into `data`, over any rule of the same name.
    fn add_data_json(&mut self, py: Python<'_>, data: &str) -> PyResult<()> {
        py.detach(|| self.regorus.add_data_json(data)).map_err(told)
    }

    /// The syntax trees of all modules.
    fn get_ast_as_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.regorus.get_ast_as_json()).map_err(told)
    }

    /// The input of the next `eval_rule_as_json`.
    fn set_input_json(&mut self, input: &str) -> PyResult<()> {
        self.regorus.set_input_json(input).map_err(told)
    }

    /// A rule's value as JSON, or the text `"<undefined>"`. The first call compiles all modules.
    fn eval_rule_as_json(&mut self, py: Python<'_>, rule: String) -> PyResult<String> {
        py.detach(|| self.regorus.eval_rule(rule).and_then(|value| value.to_json_str())).map_err(told)
    }

    /// A rule's value for one input, JSON in and out; None where it has none.
    fn decide<'py>(&mut self, py: Python<'py>, rule: &str, input: &[u8]) -> PyResult<Option<Bound<'py, PyBytes>>> {
        // Found to be UTF-8 at once: by itself serde_json would look at each text.
        let input: Value = serde_json::from_str(std::str::from_utf8(input).map_err(unread)?).map_err(unread)?;
        self.regorus.set_input(input);
        match self.regorus.eval_rule(rule.to_owned()).map_err(told)? {
            Value::Undefined => Ok(None),
            value => Ok(Some(PyBytes::new(py, &serde_json::to_vec(&value).map_err(unread)?))),
        }
    }
}

/// An error of regorus's, without the backtrace that it carries.
fn told(error: anyhow::Error) -> PyErr {
    match error.downcast_ref() {
        Some(LimitError::TimeLimitExceeded { .. }) => PyTimeoutError::new_err(error.to_string()),
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

fn unread(error: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

#[pymodule]
fn sidecar_regorus(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // The exception tells of a panic; Rust's own report on standard error could quote a person's attributes.
    std::panic::set_hook(Box::new(|_| {}));
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<Engine>()
}
