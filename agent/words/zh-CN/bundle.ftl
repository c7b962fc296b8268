### 证据包内的报告：记录说了什么，检查了什么，没有检查什么。

bundle-title = 封存记录报告
bundle-head = 设备 { $agent }，链 { $chain }，记录 { $first } 至 { $last }；由 { $by } 于 { $made } 制作
bundle-pre-screen = 本报告为自动设备的初筛结果，用于转交处置，不作为最终判定。
bundle-record = 记录 { $number }：{ $kind }
bundle-hash = SHA-256 { $hash }
bundle-what = 项目：{ $what }
bundle-where = 地点：{ $place }
bundle-when = 时间：{ $time }；{ $clock }
bundle-measured = 测得：{ $parameter } { $value }，仪器 { $instrument }
bundle-finding = 判定：{ $finding }
bundle-verdict = 结论：{ $verdict }；{ $disposition }
bundle-who = 人员：{ $who }
bundle-who-nobody = 无人操作，设备自动完成
bundle-simulated = 含模拟仪器数据。
bundle-drill = 按演练记录。
bundle-other = 内容：{ $said }
    { $json }
bundle-nodes = 中心按仪器节点封印核验的结果。此为中心的陈述：密钥仅由中心和节点持有
bundle-node-line = · { $said }
bundle-node-held = 记录 { $number }：{ $instrument } 的读数已用节点 { $serial } 的密钥核对
bundle-node-nothing = 记录 { $number }：未发现问题
bundle-node-found = 记录 { $number }：{ $what }（{ $detail }）
bundle-node-mac = 数据块的封印与节点密钥不符，或当时没有有效密钥
bundle-node-serial = 数据块属于另一节点
bundle-node-sequence = 数据块被重放或被扣留
bundle-node-value = 记录内容与节点封存的内容不同
bundle-node-block-missing = 读数没有封存数据块
bundle-nodes-checked = { $bad ->
    [0] 仪器节点：中心称已按封印核对 { $records } 条记录，未发现问题
   *[other] 仪器节点：中心按封印核对的 { $records } 条记录中，{ $bad } 条有问题：
}

bundle-answers = 按制作方登记表检查这些记录的结果
bundle-answer = { $question }：{ $answer }
bundle-receipted = 中心已签名确认收存至第 { $upto } 条记录。
bundle-not-receipted = 本包内没有中心回执。
bundle-absent = 记录以哈希引用的内容（证据、限值表、计划）有 { $count } 项不在本包内，见 manifest.json 的 "absent"。
bundle-limits-title = “是”不代表什么
bundle-limits-sample = 不表示样品有代表性，也不表示仪器示值真实；只表示仪器在何时发送了哪些字节。
bundle-limits-key = 密钥若被盗，尚无回执的记录可能被改写。回执限定其范围，但不能消除。
bundle-limits-registry = 以上结果依据制作方的登记表。请用自己的登记表重新检查，见 README.txt。
bundle-checked = 证据包：{ $files } 个文件与清单一致；中心日志的 { $proofs } 份证明和 { $heads } 个日志头成立
bundle-damaged = 证据包：{ $file }：{ $what }
