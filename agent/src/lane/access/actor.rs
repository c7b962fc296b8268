//! Who acts.

#![allow(clippy::result_large_err, reason = "a refusal is an answer, made once and sent at once")]

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::Response,
};
use tidewaiter_config::users::{Role, User};

use super::{super::api::problem, role::Action};

/// How a person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Signed in with a password.
    Session,
    /// A program with a token of theirs.
    Token,
}

/// Somebody of the users file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// As typed at sign-in.
    pub(crate) name: String,
    /// As it stands in records.
    pub(crate) display: String,
    pub(crate) role: Role,
    pub(crate) way: Way,
}

impl Person {
    pub(crate) fn of(user: &User, way: Way) -> Self {
        Self { name: user.name.clone(), display: user.display.clone(), role: user.role, way }
    }
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// Nobody we know.
    Nobody,
    /// A person.
    Person(Person),
    /// A command on this machine, by the local key.
    Console,
}

impl Actor {
    /// Whether they may.
    pub(crate) fn may(&self, action: Action) -> bool {
        match self {
            Self::Nobody => false,
            Self::Person(person) => action.roles().contains(&person.role),
            Self::Console => true,
        }
    }

    /// The refusal of what they may not.
    pub(crate) fn allowed(&self, action: Action) -> Result<(), Response> {
        match self {
            Self::Nobody => Err(problem(StatusCode::UNAUTHORIZED, "sign in first")),
            _ if self.may(action) => Ok(()),
            _ => {
                let roles: Vec<&str> = action.roles().iter().map(|it| it.word()).collect();
                Err(problem(StatusCode::FORBIDDEN, &format!("this takes the role {}", roles.join(" or "))))
            }
        }
    }

    /// Who stands in the record. A person is who they are, whatever a request says; a command states its person.
    pub(crate) fn operator(&self, stated: Option<String>) -> Result<String, Response> {
        match (self, stated) {
            (Self::Nobody, _) => Err(problem(StatusCode::UNAUTHORIZED, "sign in first")),
            (Self::Person(person), _) => Ok(person.display.clone()),
            (Self::Console, Some(operator)) => Ok(operator),
            (Self::Console, None) => {
                Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "say who acts: the field `operator` is missing"))
            }
        }
    }

    /// As what they act, for the record.
    pub(crate) const fn role(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Person(person) => person.role.word(),
            Self::Console => "console",
        }
    }

    /// The person, where it is one.
    pub(crate) const fn person(&self) -> Option<&Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Nobody | Self::Console => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    /// What the guard found out; nobody where no guard stands.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self::Nobody))
    }
}
