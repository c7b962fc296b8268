### Signing in at the local page.

sign-in = Sign in
sign-out = Sign out
sign-in-name = Name
sign-in-password = Password
sign-in-wrong = Name or password is not right.
sign-in-wait = Too many tries. Wait { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}, then try again.
sign-in-busy = Too many sign in at once. Try again in a moment.
sign-in-no-users = This agent has no users file, so nobody can sign in. Ask whoever looks after the machine.
sign-in-no-users-file = The users file cannot be read whole. Ask whoever looks after the machine; its log says why.
password-title = Change your password
password-old = Old password
password-new = New password
password-again = New password, again
password-change = Change password
password-sessions = You stay signed in here; wherever else you are signed in, you are signed out. The change is recorded, the password is not.
password-done = The password is changed.
password-differs = These were two different new passwords. Nothing is changed.
password-same = The new password is the old one. Nothing is changed.
password-wrong = The old password is not right. Nothing is changed.
password-short = A password has at least { $least } characters; a few words are easier to keep than a few signs.
password-long = A password has at most 256 bytes.
password-plain = A password must not contain your name, and must have five different characters at least.
password-not-signed-in = Sign in with your name and password first: a token or the key of this machine has no password to change.
password-changed-meanwhile = Your entry in the users file has changed meanwhile. Sign in again.
password-file = The users file cannot be changed from here ({ $why }). Nothing is changed; whoever looks after the machine can, with tidewaiter users passwd.
signed-in-as = Signed in as { $name }, { $role }
role-missing = This takes another role: { $roles }.
role-operator = operator
role-metrologist = metrologist
role-reviewer = reviewer
role-administrator = administrator
