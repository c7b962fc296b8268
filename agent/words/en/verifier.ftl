### The verifier answers four questions apart, and says whether data was simulated. There is no overall "ok".

question-signature = signature
question-chain = chain
question-completeness = completeness
question-time = time
question-simulated = simulated
question-evidence = evidence

answer-signature-ok = { $records ->
    [one] the one record is
   *[other] all { $records } records are
} signed by registered keys
answer-signature-bad = { $bad ->
    [one] { $bad } record does
   *[other] { $bad } records do
} not bear a valid signature
answer-chain-ok = every record follows the one before it
answer-chain-bad = { $bad ->
    [one] { $bad } thing speaks
   *[other] { $bad } things speak
} against one history of all records
answer-completeness-ok = no number is missing from { $first } to { $last }
answer-completeness-bad = { $bad ->
    [one] something is missing in { $bad } place
   *[other] something is missing in { $bad } places
}
answer-time-ok = times are in order and agree with the clock quality claimed
answer-time-bad = { $bad ->
    [one] { $bad } time contradicts
   *[other] { $bad } times contradict
} what is claimed
answer-not-checked = not checked: { $why }
answer-simulated-yes = yes, { $records ->
    [one] { $records } record holds
   *[other] { $records } records hold
} data of simulated instruments
answer-simulated-no = no
answer-evidence-ok = all that { $records ->
    [one] { $records } record names
   *[other] { $records } records name
} is there and has the right content
answer-evidence-bad = of what { $records ->
    [one] { $records } record names
   *[other] { $records } records name
} something is missing or has another content
answer-evidence-not-given = not looked for; { $records ->
    [one] { $records } record names
   *[other] { $records } records name
} some, give its folder with --evidence

verify-finding = #{ $number } { $question }: { $what }
verify-way = way out: { $way }

fsck-read = { $records ->
    [one] one record
   *[other] { $records } records
} ({ $first } to { $last }), receipted up to { $receipted }, { $evidence } files of evidence
fsck-sound = the store is what was written to it
fsck-no-receipt = an older copy of the whole store would look the same: give --registry and --receipt to rule that out
fsck-class-torn-tail = torn tail
fsck-class-corruption = corruption
fsck-class-rollback = rollback
fsck-class-fork = fork
fsck-finding = #{ $number } { $class }: { $what }
fsck-way = way out: stop the agent, keep the whole data directory as it is, and fetch what is missing from the centre
