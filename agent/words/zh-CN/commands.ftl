### 三个程序的命令所说的话。选项说明为英文，见 `--help`。

progress-left = 剩余
log-none = 尚无记录
show-not-here = 本机未存记录 { $number }；`tidewaiter log` 可列出已存记录

### status

status-none = 无
status-no-agent = 代理未运行
status-chain = 记录链 { $chain }
status-stored = 已存记录 { $oldest } 至 { $head }，已回执至 { $receipted }
status-head = { $software } · 现场 { $site } · 代理 { $agent }
status-executable = 可执行文件 sha256 { $hash }
status-log-fork = 中心日志出现分叉：{ $why }
status-recording = 正在记录
status-not-recording = 未在记录：{ $why }
status-not-recording-since = 未在记录（自 { $since } 起）：{ $cause }。请改用纸质流程。
status-counters = 采样 { $sampled } → 封存 { $sealed } → 发送 { $sent } → 回执 { $receipted }
status-waiting = 最早未回执的记录已等待 { $age }
status-refused = 停止记录以来拒收 { $refused } 条结果
status-store = 存储 { $used } / { $budget } MiB（{ $percent } %）
status-uplink-up = 上行已连接
status-uplink-beacon = 上行已连接，信标 { $number }，覆盖 { $size } 条记录
status-uplink-none = 未配置上行
status-uplink-down = 上行已断开 { $span }（{ $why }）
status-drill = { $place } 正在演练，由 { $operator } 下令
status-places = 正在检验
status-unnamed = 尚未识别
status-busy = { $place }：{ $subject }
status-instruments = 仪器（实时数值，未记录）
status-column-instrument = 仪器
status-column-channel = 通道
status-column-value = 数值
status-column-unit = 单位
status-column-quality = 质量
status-column-verification = 检定
status-valid = { $standing }，有效期至 { $until }（{ $days } 天）
status-down = { $instrument } 无数据
status-in-force = 现行
status-more = 另有 { $more } 项
status-plan = 计划 { $id }，版本 { $version }
status-limits-stale = 签名限量表已不是最新
status-results = 最新结果

### new site

new-exists = { $path } 已存在，不会覆盖；请另取文件名
new-written = 已写入 { $path }；请修改为本现场内容，然后执行：tidewaiter check { $path }
new-no-place = 没有名为 { $id } 的地点；示例中有 { $known }
new-no-port = 没有名为 { $id } 的端口；现有 { $known }
new-declared = 已写入 { $path }：样品的申报内容

### doctor

doctor-state-ok = 正常
doctor-state-skipped = --
doctor-state-warn = 注意
doctor-state-fail = 故障
doctor-check-configuration = 配置
doctor-check-clock = 时钟
doctor-check-zone = 时区数据
doctor-check-service = 系统服务
doctor-check-ports = 端口
doctor-check-key = 密钥
doctor-check-store = 存储
doctor-check-disk = 磁盘
doctor-check-registry = 中心公钥登记表
doctor-check-certificates = 证书
doctor-check-broker = 消息代理
doctor-check-agent = 运行中的代理
doctor-check-receipts = 回执
doctor-sum = 正常 { $ok } 项，注意 { $warn } 项，故障 { $fail } 项
doctor-offline = 未询问（--offline）
doctor-packed = 技术支持包：{ $path }（不含密钥、令牌和口令，车牌已遮盖）
doctor-configuration = { $file }：端口 { $ports } 个，仪器 { $instruments } 台，地点 { $places } 个
doctor-clock-kept = 由时间服务校准，误差不超过 { $error } ms
doctor-clock-loose = 没有时间服务校准：记录会注明时间不确定
doctor-clock-way = apt-get install chrony，然后执行 `chronyc tracking`
doctor-clock-unasked = { $socket } 未运行：采集端无从得知时钟是否已校准
doctor-zone-none = { $dir } 中没有时区 { $zone } 的数据
doctor-zone-way = apt-get install tzdata
doctor-no-systemd = 本机没有 systemd
doctor-ports = { $ports } 个端口均在
doctor-port-closed = 端口 { $port }：无权打开 { $path }，其所属组为 { $group }
doctor-port-way = usermod -aG { $group } 用户名（运行服务的用户），然后重新登录或重启服务
doctor-key = { $kid }，位于 { $place }
doctor-key-way = 尚无密钥：tidewaiter keys init --config SITE；有但不可读：交给服务用户，权限 600
doctor-store-none = { $path }：尚无，首次启动时建立
doctor-store-large = { $size } MiB，过大，不在此通读：tidewaiter fsck { $dir }
doctor-store = { $records } 条记录完整有序；已回执至 { $receipted }
doctor-store-way = tidewaiter fsck { $dir } 可了解详情；请先停止代理并保留副本
doctor-disk = 可用 { $free } MiB，存储还可占用 { $wanted } MiB；无上行时约可保存 { $hours } 小时
doctor-disk-way = 清理该磁盘，或调低 [store] budget
doctor-no-uplink = 现场文件中没有 [uplink]
doctor-no-tls = 现场文件中没有 TLS
doctor-registry = { $path }：密钥 { $keys } 个，中心 { $centre }
doctor-registry-empty = { $path } 中没有中心密钥：任何回执都不可信
doctor-registry-way = 请向中心索取：tidewaiter-collector keys export；或登记：tidewaiter enrol --help
doctor-certificate = { $whose } 有效期至 { $until }（{ $days } 天）
doctor-certificate-early = { $whose } 自 { $from } 起才有效：时钟是否正确？
doctor-certificate-unread = { $whose }：不是可读取的证书
doctor-certificate-way = tidewaiter enrol --renew --config SITE，或向中心申请新证书
doctor-broker = { $name } 有应答（无 TLS）
doctor-broker-tls = { $name } 有应答，TLS 双向证书通过
doctor-broker-way = 检查网络、主机名和端口：nc -vz HOST PORT
doctor-tls-way = 消息代理与本机须持同一中心的证书；请核对 [uplink.tls] 与中心所发文件
doctor-agent-none = 该数据目录上没有代理应答
doctor-agent-way = tidewaiter run --config SITE，或 systemctl start tidewaiter
doctor-waiting = { $records } 条记录等待中心回执
doctor-receipts = 中心回执及时
doctor-receipts-late = 最早的记录已等待回执 { $hours } 小时
doctor-receipts-way = 检查上行是否连接、中心是否登记本代理密钥：tidewaiter status、tidewaiter-collector status

### 多个命令共用

say-where = 请指明位置：--config SITE 或 --data-dir DIR
say-agent-none = 该数据目录上没有代理在运行；请用 `tidewaiter run --config SITE` 启动
say-agent-silent = 代理在 { $address } 没有应答：{ $why }；是否在运行？
say-config-needed = 代理未运行；请用 --config SITE 指明现场及其存储
say-recorded = 已记录
say-refused = 已拒绝
say-no-value = { $given } 不是 { $form } 形式，例如 { $example }
say-twice = { $name } 重复给出；平行样请逐个录入
say-bytes = { $bytes } 字节
say-not-folder = { $path }：不是文件夹；请给出存放附证的文件夹

### check

check-sum = { $file }：端口 { $ports } 个，仪器 { $instruments } 台，通道 { $lanes } 条，试验台 { $rigs } 个，监测 { $watches } 项，限量表 { $tables } 份；无上行时存储约可保存 { $hours } 小时
check-column-port = 端口
check-column-instrument = 仪器
check-column-unit-id = 单元号
check-column-function = 功能码
check-column-address = 地址
check-column-count = 数量
check-column-every-ms = 周期 ms
check-column-bus-ms = 占线 ms
check-column-requests = 请求
check-column-registers = 寄存器
check-column-oldest-ms = 最旧值 ms
check-column-cycle-ms = 循环 ms
check-column-busy = 占用 %
check-no-limit = 无上限
check-requests = 轮询计划（地址从 0 起）：
check-instruments = 按仪器（各单元均应答时，不计仪器自身应答时间）：
check-ports = 按端口：
check-too-busy = 端口“{ $port }”：错误：需占用其 { $percent } % 的时间，部分轮询会被跳过
check-too-busy-way = 请写：更长的仪器轮询周期，或更高的波特率

### bundle

bundle-written = { $path }：记录 { $first } 至 { $last }，文件 { $files } 个，缺少内容 { $absent } 份
bundle-unknown = { $asked } 不是记录编号，也不是本机所存检验；`tidewaiter log` 可列出

### evidence

evidence-large = { $path } 有 { $size } 字节，超过单份附证上限 { $most }
evidence-recorded = 已记录 #{ $number } sha256 { $hash }
evidence-line = #{ $number } { $inspection } { $media } { $size } 字节 { $hash } { $title }
evidence-not-here = 本机未存附证 { $hash }；`tidewaiter evidence list` 可列出
evidence-changed = { $path } 已被改动：现哈希为 { $hash }

### export、recompute、stats

export-written = { $records } 条记录
export-parquet = Parquet 表在中心生成，那里有全部代理的记录：tidewaiter-collector export --format parquet --out DIR。此处可用：cborseq、jsonl、csv、n42
export-folder = --format n42 每次检验写一个文件：请用 --out DIR 指明文件夹
export-documents = { $records } 条记录，{ $documents } 份文档
recompute-sum = 相同 { $same }，不同 { $drift }，本机无法复算 { $undone }，其他种类记录 { $other }
recompute-drift = 不同
recompute-not-done = 本机无法复算
stats-before = --to { $to } 早于 --from { $from }
stats-broken = { $name }：{ $why }；未作统计，请用 `tidewaiter verify` 查明问题

### keys

keys-made = { $agent } 的密钥已在 { $dir } 生成
keys-give = 请把 { $entry } 交给中心：tidewaiter-collector keys add --registry REGISTRY { $entry }
keys-agent = 代理
keys-chain = 记录链
keys-algorithm = 算法
keys-public = 公钥
keys-place = 位置
keys-statement = 声明
keys-signs = 自记录 { $number } 起签名
keys-before = 此前：{ $kid } 至记录 { $number }，{ $state }
keys-erased = 已销毁
keys-kept = 保留至中心回执覆盖该记录
keys-rotated = 记录 { $number } 移交记录链：{ $old } 签至该条，此后由 { $new } 签名
keys-erased-later = 中心回执记录 { $number } 后销毁旧密钥

### read、try、listen、probe

read-unknown = 没有仪器 { $wanted }；现场有 { $known }
read-recorded = 已记录 #{ $number } { $channel } { $said }
read-counts = { $instrument }：读数 { $readings }，拒收帧 { $refused }，无法识别 { $garbage } 字节，缺失 { $missing }
read-connected = { $instrument }：已连接
read-disconnected = { $instrument }：已断开
try-holds = 描述文件 { $id }：{ $vectors } 条测试向量成立
try-no-port = 该端口不接仪器
listen-what = 请指明监听对象：端口或 --file
listen-fit = { $protocol } { $sure }：{ $frames } 帧，拒收 { $refused }，占 { $bytes } 字节的 { $share } %
listen-fits = 吻合
listen-fits-not = 不吻合
listen-nothing = 没有已知协议与这 { $bytes } 字节吻合；可用行描述文件描述
listen-several = 不止一种吻合：请用仪器上的已知数值确认
probe-closed = 无法打开 { $target }
probe-nothing = 未发现；请检查电源、A/B 或 TX/RX 接线、地址拨码，并试用 --units 1-247
probe-silent = { $target }：无声
probe-speaks = { $target }：主动发送，{ $bytes } 字节
probe-unknown = 无法识别；参数可能不对，或需要行描述文件
probe-unit = { $target }：{ $protocol } 单元 { $unit } 有应答
probe-vendor = 厂商
probe-product = 产品
probe-revision = 版本
probe-object = 对象

### salvage

salvage-sum = { $path }：{ $agent } 的记录 { $records } 条（{ $first } 至 { $last }），附证 { $contents } 份
salvage-answers = 按其自身声明：签名 { $signature }，链 { $chain }
salvage-rotten = 记录 { $number } 在磁盘上已损毁，已略去
salvage-lost = 附证 { $hash } 不在或已变
salvage-ended = 提前结束读取：{ $why }
salvage-next = 在中心执行：{ $command }

### plan、draw、limits、screen、version

plan-which = 请指明计划：文件，或带有 [plan] file = "plan.toml" 的 --config SITE
plan-records-form = { $place }：{ $why }；请用 `tidewaiter export --format jsonl` 写出记录
draw-nothing = 未抽取；原因见代理的记录
limits-none-then = { $id } 在 { $at } 没有现行版本；--edition 可取：{ $names }
limits-sides = 两个文件，或 表 版本 表 版本
limits-programme = { $path } 是步骤程序，不是限量表
limits-unknown = 未载入限量表 { $id }；{ $way }
limits-listed = `tidewaiter limits show` 可列出全部
limits-meant = 或许是 { $meant }
limits-no-edition = 限量表 { $id } 没有版本 { $name }；现有：{ $names }
version-unread = sha256 未知：无法读取可执行文件
register-which = 代理未运行；请用 --config SITE 指明台账

### tidewaiter-sim

judge-sum = 应有 { $expected }，已记录 { $recorded }，一致 { $agree }
judge-differ = { $differ } 处不同
capture-written = { $path }：{ $bytes } 字节；识别协议：tidewaiter listen --file { $path }

### tidewaiter-collector

centre-backup = { $path }：{ $bytes } 字节；其中不含中心密钥，请另行保管
centre-archive = { $path }：{ $chains } 条链的 { $records } 条记录，共 { $files } 个文件，根 { $root }；缺少附证 { $absent } 份
centre-archive-signed = 由 { $by } 签名；叶 { $leaves }，根 { $root }；日志头 { $heads } 个成立
centre-taken = { $what }：新记录 { $new } 条，已有 { $here } 条，拒收 { $refused } 条；附证 { $contents } 份，日志头 { $heads } 个
centre-restored = { $path }：已恢复；{ $at } 之后的内容不在其中，缺口见 `tidewaiter-collector status`
centre-tables = { $path }：记录 { $records } 条，检查 { $inspections } 条，判定 { $findings } 条，读数 { $readings } 条，时段 { $intervals } 条；后续导出请加 `--after { $upto }`
centre-bundle = { $path }：链 { $chain } 的记录 { $first } 至 { $last }，文件 { $files } 个，缺少内容 { $absent } 份
centre-column-agent = 代理
centre-column-chain = 记录链
centre-column-receipted = 已回执至
centre-column-missing = 缺失
centre-column-waiting = 等待
centre-column-evidence = 附证
centre-column-newest = 最新
centre-column-name = 名称
centre-column-serial = 序列号
centre-column-until = 有效期至
centre-column-denied = 已拒绝
centre-column-id = 编号
centre-column-state = 状态
centre-column-site = 现场
centre-column-asked-by = 申请人
centre-column-at = 时间
centre-column-fingerprint = 指纹
centre-column-number = 编号
centre-column-leaves = 叶
centre-column-root = 根
centre-column-signed = 签署
centre-column-key = 密钥
centre-column-role = 角色
centre-column-numbers = 编号范围
centre-column-simulated = 模拟
centre-column-note = 备注
centre-column-instrument = 仪器
centre-column-from = 自
centre-column-blocks = 数据块
centre-column-newest-block = 最新数据块
centre-count-received = 接收
centre-count-records = 记录
centre-count-verified = 核验无误
centre-count-receipted = 已回执
centre-count-missing = 缺失
centre-count-resends = 要求重发
centre-count-duplicates = 重复已合并
centre-count-recomputed = 已复算
centre-count-not-recomputed = 未复算
centre-count-node = 仪器节点
centre-node-blocks = { $blocks } 个数据块，其中 { $sealed } 个封印正确
centre-node-added = 节点 { $serial } 自 { $from } 起为 { $agent } 的 { $instrument }
centre-node-revoked = { $agent } 的 { $instrument } 的密钥止于 { $at }
centre-nodes-gone-over = 已检查所存记录 { $records } 条，其中 { $nodes } 条含节点读数
centre-nodes-blocks = { $blocks } 个数据块，其中 { $sealed } 个封印正确，{ $new } 个为首次收录
centre-nodes-found = 新问题 { $kind }：{ $count } 个
centre-nodes-findings = { $new ->
    [0] 没有新问题；此前已知 { $known } 个
   *[other] 新问题 { $new } 个；此前已知 { $known } 个。`tidewaiter-collector status` 列出相关记录
}
centre-nodes-waiting = { $records } 条记录所指的读数尚未到达，到达后再检查
centre-nodes-unreadable = { $records } 条所存记录已无法读取；`tidewaiter-collector log check` 可指出
centre-node-order = 节点 { $serial }：长度 { $length }，安全计数 { $counter }，SHA-256 { $hash }，指令 { $mac }
centre-bad = 不良：{ $cause }（{ $meant }）
centre-cause-topic = 主题不属于本系统
centre-cause-malformed = 不是记录
centre-cause-topic-mismatch = 出现在其他代理的主题上
centre-cause-unknown-key = 签名密钥未登记
centre-cause-key-not-for = 签名密钥无权在此签名
centre-cause-signature = 签名不成立
centre-cause-chain-link = 与前一条记录不衔接
centre-cause-equivocation = 同一编号有两条记录
centre-cause-verdict-drift = 中心复算得出不同判定
centre-cause-simulated = 模拟记录，而登记表只收真实仪器
centre-cause-anchor = 所引日志头从未存在
centre-cause-key-proof = 新密钥未能自证
centre-cause-evidence-hash = 附证内容与所引不符
centre-cause-open-gap = 经要求重发仍长期缺失
centre-verdict = 判定：{ $word }
centre-log = 日志：叶 { $leaves }，日志头 { $number } 覆盖 { $size }，{ $at }
centre-incident-fork = 事件 fork：两台设备以 { $agent } 之名签名：自 { $since } 起，链 { $chain } 自编号 { $first } 另有 { $records } 条记录；两支均予保留
centre-incident-reset = 事件 chain-reset：{ $agent } 启用新链 { $chain }，取代 { $before }，其最后已知记录为 { $after }：{ $note }
centre-incident-node = 事件 { $kind }：{ $agent }，记录 { $number }：{ $what }
centre-silent = 静默：{ $agent }（{ $site }）：已 { $since } 没有记录
centre-silent-more = 静默：另有 { $more } 个代理，见 --json
centre-unseen = { $agents } 个代理的密钥有效，但从未送来记录
centre-unreceipted = 最早未回执的记录：到达已 { $since }
centre-store = 存储：{ $used }，磁盘余量 { $free }
centre-store-server = 存储：服务器上 { $used }
centre-gap = 缺口：{ $agent }：记录 { $first } 至 { $last } 自 { $since } 缺失；已要求 { $asked } 次
centre-gap-late = 事件：{ $agent }：记录 { $first } 至 { $last } 自 { $since } 缺失，超过 { $minutes } 分钟；已要求 { $asked } 次
centre-held = 暂停：{ $agent }：回执止于记录 { $number } 之前：其附证 { $hash }（{ $size } 字节）未到
centre-key-made = 中心密钥 { $kid }：{ $key }（请保密），登记表：{ $registry }（发给每个代理）
centre-key-in-token = 中心密钥 { $kid } 在令牌 { $token } 中，登记表：{ $registry }（发给每个代理）
centre-key-line = { $name } 的密钥 { $kid }，链 { $chain }：编号 { $numbers }
centre-key-person = { $name } 的密钥 { $kid }：{ $path }（仅由本人保管）
centre-ca-root = { $path }：请发给代理和消息代理
centre-ca-root-key = { $path }：请立即移到保险柜中的移动盘
centre-ca-lists = { $crl } 和 { $acl }：供消息代理使用（crlfile、acl_file）
centre-ca-issued = { $path }：{ $name }，有效期至 { $until }
centre-ca-renewed = { $path }：已更新；crl.pem 也已更新，请交给消息代理
centre-ca-denied = 已拒绝 { $agent }：{ $crl } 和 { $acl }
centre-ca-denied-since = 自 { $since } 起拒绝：{ $agent }（{ $reason }）
centre-enrolled = { $agent } 已登记：密钥 { $kid }，链 { $chain }
centre-rejected = 已拒绝申请 { $id }
centre-audit-log = 日志：叶 { $leaves }，根 { $root }
centre-audit-heads = 日志头：{ $heads } 个，最新编号 { $newest }
centre-audit-unsigned = 日志头：{ $heads } 个，最新编号 { $newest }（未核签名：无登记表）
centre-audit-anchors = 锚点：{ $agents } 个代理的记录中 { $anchors } 个
centre-audit-incident = 事件：{ $what }
centre-audit-agrees = 全部一致
centre-audit-incidents = 事件 { $count } 起
centre-head-issued = 已签发日志头 { $number }，覆盖 { $size } 叶
centre-proved = 记录 { $hash } 是中心 { $centre } 日志的第 { $index } 叶：日志头 { $number }，叶 { $size }，签署于 { $at }
centre-reset-made = { $path }：由两人用 `tidewaiter-collector reset sign` 签署
centre-reset-signed = { $path }：已签署
centre-reset-applied = 已执行；在 `tidewaiter-collector status` 中显示为事件
