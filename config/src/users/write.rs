//! Users as the text of a users file.

use std::fmt::Write as _;

use super::User;

const HEAD: &str = "\
# Who may sign in at the local interface. Written by `tidewaiter users`; mode 0600.
version = 1
";

/// The text of a users file; [`super::users_from_str`] reads it back.
pub fn to_toml(users: &[User]) -> String {
    let mut text = HEAD.to_owned();
    // Writing into a text does not fail.
    for user in users {
        let _ = write!(
            text,
            "\n[[users]]\nname = {}\ndisplay = {}\nrole = \"{}\"\nsince = {}\n",
            quoted(&user.name),
            quoted(&user.display),
            user.role.word(),
            user.since
        );
        if let Some(password) = &user.password {
            let _ = writeln!(text, "password = {}", quoted(password));
        }
        let _ = writeln!(text, "disabled = {}", user.disabled);
        for token in &user.tokens {
            let sha256 = token.sha256.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let _ = write!(
                text,
                "\n[[users.tokens]]\nid = {}\nsha256 = \"{sha256}\"\nsince = {}\n",
                quoted(&token.id),
                token.since
            );
        }
    }
    text
}

/// A TOML basic string. Names hold no control characters, so that quotes and backslashes are all there is to escape.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
