### 验证程序对四个问题分别作答，另说明是否模拟。没有“总体通过”。

question-signature = 签名
question-chain = 链接
question-completeness = 完整
question-time = 时间
question-simulated = 模拟
question-evidence = 证据

answer-signature-ok = { $records } 条记录均由登记密钥签名
answer-signature-bad = { $bad } 条记录签名不成立
answer-chain-ok = 每条记录都接在前一条之后
answer-chain-bad = { $bad } 处与唯一的记录历史相矛盾
answer-completeness-ok = 序号从 { $first } 到 { $last } 无缺失
answer-completeness-bad = 有 { $bad } 处缺失
answer-time-ok = 时间顺序与时钟质量声明一致
answer-time-bad = { $bad } 处时间与声明不一致
answer-not-checked = 未检查：{ $why }
answer-simulated-yes = 是，{ $records } 条记录含模拟仪器数据
answer-simulated-no = 否
answer-evidence-ok = { $records } 条记录所列证据齐全，内容相符
answer-evidence-bad = { $records } 条记录所列证据有缺失或内容不符
answer-evidence-not-given = 未查找；{ $records } 条记录列有证据，请用 --evidence 指定其目录

verify-finding = #{ $number } { $question }：{ $what }
verify-way = 处理办法：{ $way }

fsck-read = 共 { $records } 条记录（{ $first } 至 { $last }），已回执至 { $receipted }，证据文件 { $evidence } 个
fsck-sound = 存储内容与写入时一致
fsck-no-receipt = 整个存储的旧副本看起来也会一致：请用 --registry 和 --receipt 排除这种情况
fsck-class-torn-tail = 尾部缺失
fsck-class-corruption = 损坏
fsck-class-rollback = 回退
fsck-class-fork = 分叉
fsck-finding = #{ $number } { $class }：{ $what }
fsck-way = 处理办法：停止代理，原样保留整个数据目录，缺失的记录从中心取回
