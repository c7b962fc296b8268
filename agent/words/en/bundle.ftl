### The report inside an evidence bundle: what the records say, and what was and was not checked.

bundle-title = Report on sealed records
bundle-head = Agent { $agent }, chain { $chain }, records { $first } to { $last }; made { $made } by { $by }
bundle-pre-screen = This is a pre-screen by an automatic device. It refers; it does not rule.
bundle-record = Record { $number }: { $kind }
bundle-hash = SHA-256 { $hash }
bundle-what = What: { $what }
bundle-where = Where: { $place }
bundle-when = When: { $time }; { $clock }
bundle-measured = Measured: { $parameter } { $value }, by instrument { $instrument }
bundle-finding = Judged: { $finding }
bundle-verdict = Verdict: { $verdict }; { $disposition }
bundle-who = Who: { $who }
bundle-who-nobody = no person; the device by itself
bundle-simulated = Data of simulated instruments.
bundle-drill = Recorded as an exercise.
bundle-other = Content: { $said }
    { $json }
bundle-answers = What a check of these records by the maker's registry says
bundle-answer = { $question }: { $answer }
bundle-receipted = The centre has signed that it holds the records up to { $upto }.
bundle-not-receipted = There is no receipt of the centre in here.
bundle-absent = { $count ->
    [one] { $count } content
   *[other] { $count } contents
} that records name by hash (evidence, tables, plans) { $count ->
    [one] is
   *[other] are
} not in here; see "absent" in manifest.json.
bundle-limits-title = What a yes does not mean
bundle-limits-sample = It does not say that the sample was representative or that an instrument showed the truth: it says what bytes the instrument sent, and when.
bundle-limits-key = With a stolen key, records without a receipt can be rewritten. A receipt bounds that; nothing removes it.
bundle-limits-registry = These answers rest on the registry of whoever made this file. Check it again with a registry of your own, see README.txt.
bundle-checked = bundle: { $files } files are as its list says; { $proofs } proofs and { $heads } heads of the centre's log hold
bundle-damaged = bundle: { $file }: { $what }
