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
signed-in-as = Signed in as { $name }, { $role }
role-missing = This takes another role: { $roles }.
role-operator = operator
role-metrologist = metrologist
role-reviewer = reviewer
role-administrator = administrator
