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
bundle-nodes = What the centre found by the seals of instrument nodes. This is its word: the keys are with the centre and the nodes alone
bundle-node-line = - { $said }
bundle-node-held = Record { $number }: readings of { $instrument } were held against the key of node { $serial }
bundle-node-nothing = Record { $number }: nothing found against it
bundle-node-found = Record { $number }: { $what } ({ $detail })
bundle-node-mac = a block is not sealed with the key of its node, or no key was in force
bundle-node-serial = a block is another node's
bundle-node-sequence = a block is replayed or was held back
bundle-node-value = the record says something else than the node sealed
bundle-node-block-missing = a reading has no sealed block
bundle-nodes-checked = { $bad ->
    [0] instrument nodes: the centre says that it held { $records } records against their seals, and found nothing against any
   *[other] instrument nodes: of { $records } records that the centre held against their seals, something speaks against { $bad }:
}

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
