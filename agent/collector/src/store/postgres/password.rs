//! The password of the database, from a file that only its owner can read; never from the configuration.

use std::{fs, path::Path};

use super::super::{Address, AddressError};

/// Name under which systemd hands the password over (`LoadCredential=store-password:…`).
const CREDENTIAL: &str = "store-password";

/// Finds the password: the file of the configuration, else systemd's credential, else `PGPASSFILE`. None is no error: the
/// server may know us by our certificate or by our user.
///
/// # Errors
///
/// When a file is named and cannot be used.
pub(super) fn find(address: &Address, config: &postgres::Config) -> Result<Option<String>, AddressError> {
    if let Some(file) = &address.password_file {
        return first_line(file).map(Some);
    }
    if let Some(file) = std::env::var_os("CREDENTIALS_DIRECTORY").map(|it| Path::new(&it).join(CREDENTIAL))
        && file.exists()
    {
        return first_line(&file).map(Some);
    }
    match std::env::var_os("PGPASSFILE") {
        Some(file) => Ok(of_passfile(&read(Path::new(&file))?, config)),
        None => Ok(None),
    }
}

fn first_line(file: &Path) -> Result<String, AddressError> {
    let text = read(file)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(AddressError(format!("password file {}: its first line is empty", file.display())));
    }
    Ok(line.to_owned())
}

fn read(file: &Path) -> Result<String, AddressError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |why: std::io::Error| AddressError(format!("password file {}: {why}", file.display()));
    let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let (file, mode) = (file.display(), mode & 0o777);
        return Err(AddressError(format!(
            "password file {file}: others can read it (mode {mode:o}); chmod 0600 {file}"
        )));
    }
    fs::read_to_string(file).map_err(failed)
}

/// The first line that fits, `host:port:database:user:password`, each `*` or as it is; `\` before `:` and `\`.
fn of_passfile(text: &str, config: &postgres::Config) -> Option<String> {
    let host = config.get_hosts().first().map(|it| match it {
        postgres::config::Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        postgres::config::Host::Unix(_) => "localhost".to_owned(),
    })?;
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let ours = [host.as_str(), &port, config.get_dbname()?, config.get_user()?];
    text.lines().filter(|it| !it.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, wanted) = fields.split_last()?;
        let fits = wanted.len() == ours.len() && wanted.iter().zip(ours).all(|(it, our)| it == "*" || it == our);
        fits.then(|| password.clone())
    })
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // The password is the rest of the line, colons and all.
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|it| it.extend(letters.next())),
            _ => fields.last_mut().into_iter().for_each(|it| it.push(letter)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_first_line_of_the_passfile_that_fits_is_taken() {
        let config: postgres::Config = "postgres://centre@db.example:5433/tide".parse().unwrap();
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(of_passfile(text, &config).as_deref(), expected, "{text}");
        };
        check("db.example:5433:tide:centre:secret", Some("secret"));
        check("# a line\ndb.example:5432:*:*:no\n*:*:*:*:yes:it\\:is", Some("yes:it:is"));
        check("db.example:5433:tide:other:no", None);
        check("db.example:5433:tide:centre", None);
        check("", None);
    }
}
