//! The API of the web app within the process, for cards in a notebook.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyBytes};

use crate::{error::StorageError, project::Project};

/// Answers requests over a project, and over the sessions that Python has open.
#[pyclass(frozen, module = "linprobe._native")]
pub(crate) struct Door {
    door: linprobe_server::Door,
}

#[pymethods]
impl Door {
    /// Over a project.
    #[new]
    fn new(project: &Project) -> PyResult<Self> {
        let (desk, surroundings) = (Arc::clone(project.desk()), project.surroundings().clone());
        let door = linprobe_server::Door::new(desk, surroundings);
        let door = door.map_err(|error| StorageError::new_err(error.to_string()))?;
        Ok(Self { door })
    }

    /// The name of the project in paths.
    fn slug(&self) -> &str {
        self.door.slug()
    }

    /// Answers a request: its method, what stands behind `/api/`, and a body in JSON or none. Gives the status, what the body is,
    /// and the body.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        path: &str,
        body: String,
    ) -> (u16, String, Bound<'py, PyBytes>) {
        let answered = py.detach(|| self.door.answer(method, path, body));
        (answered.status, answered.form, PyBytes::new(py, &answered.body))
    }
}
