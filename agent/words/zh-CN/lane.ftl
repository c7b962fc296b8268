### 通道页面的固定句子、计数、时钟质量。只依据已落盘的状态。

recorded = 已记录 #{ $number }
recorded-waiting = 已记录 #{ $number } — 等待发送（上行链路中断 { $down }）
recorded-sent = 已记录 #{ $number } — 已发送，等待中心回执
recorded-receipted = 已记录 #{ $number } — 中心已回执
not-recording = 未在记录（自 { $since } 起）— { $cause }。请改用纸质流程。
reading-not-recorded = 所示读数尚未记录。
state-unknown = 状态未知：页面数据已 { $seconds } 秒未更新。
waiting-for-subject = 等待下一个检测对象
inspection-open = 检测中
simulated = 模拟数据
drill = 演练
unsigned-view = 实时显示值，未签名
cause-storage-full = 存储配额已用完
cause-disk-full = 磁盘已满
cause-disk-inodes = 磁盘无法再建文件
cause-storage-error = 存储写入失败
cause-key-unavailable = 签名密钥不可用
way-out-storage-full = 未回执的记录已占满存储配额：请恢复上行链路，以便回执腾出空间；或调大 [store] 下的 budget 并重启程序。
way-out-disk-full = 存储尚未超出配额，但所在磁盘已满：请删除该磁盘上的其他文件（日志、旧安装包），或将数据目录迁到更大的磁盘。
way-out-disk-inodes = 存储所在文件系统的 inode 已用完，无法再建文件：请删除其中的小文件，或将数据目录迁到其他文件系统。
way-out-storage-error = 磁盘报错：请查看系统日志与挂载状态（是否只读、是否老化），用 tidewaiter fsck 检查存储；若再次出错，请更换磁盘。
way-out-key-unavailable = 请恢复签名密钥：插回令牌，或挂载密钥所在目录。记录会自动继续。
way-out-fork = 请停机并原样保留数据目录，联系中心：可能有人在别处使用同一密钥签名，或存储被换回旧副本。
cause-starting = 正在启动
uplink-up = 上行链路正常
uplink-down = 上行链路中断 { $down }
uplink-none = 未配置上行链路

counter-sampled = 已采样
counter-sealed = 已封存
counter-sent = 已发送
counter-receipted = 已回执
oldest-unreceipted = 最早未回执记录已等待 { $age }
nothing-unreceipted = 全部记录均已回执
reserve-left = 剩余存储约可记录 { $hours } 小时

clock-S = 时钟已同步，误差不超过 { $error }
clock-H = 时钟曾同步，现自行保持，误差不超过 { $error }
clock-I = 仅依据硬件时钟，误差估计 { $error }
clock-I-unbounded = 仅依据硬件时钟，误差未知
clock-U = 时间不可信：开机后未校时

heading-why = 原因
heading-do = 处理
heading-history = 历史
heading-search = 查找
heading-instruments = 仪器
heading-tables = 限值表
heading-time = 时间
heading-subject = 检测对象
heading-result = 结果
heading-record = 记录情况
other-language = English
