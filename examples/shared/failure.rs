//! How an example ends that could not do what it was asked to.

use std::error::Error;
use std::process::ExitCode;

/// Success, or 1 after the error and its causes on the standard error output.
pub(crate) fn exit_code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// A line for the error and one for each cause that the line before does not already quote.
fn chain(error: &dyn Error) -> String {
    let mut above = error.to_string();
    let mut text = format!("error: {above}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !above.contains(&message) {
            text += &format!("caused by: {message}\n");
            above = message;
        }
        cause = error.source();
    }
    text
}
