//! Set-up, build, run, test and bench: the only script language of the project.
fn main() {}
