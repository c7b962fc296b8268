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
