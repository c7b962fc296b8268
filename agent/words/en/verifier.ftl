### The verifier answers four questions apart, and says whether data was simulated. There is no overall "ok".

question-signature = signature
question-chain = chain
question-completeness = completeness
question-time = time
question-simulated = simulated

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
    [one] { $bad } record does
   *[other] { $bad } records do
} not follow the one before
answer-completeness-ok = no number is missing from { $first } to { $last }
answer-completeness-bad = { $bad ->
    [one] numbers are missing in { $bad } place
   *[other] numbers are missing in { $bad } places
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

verify-finding = #{ $number } { $question }: { $what }
verify-way = way out: { $way }
