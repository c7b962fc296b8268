### 没有测得值的原因、测得值的质量、单位。

missing-timed-out = 超时无应答
missing-crc-error = 校验错误
missing-exception = 仪器返回异常码 { $code }
missing-refused = 数据无法识别
missing-not-present = 仪器无此测量项
missing-warming-up = 预热中
missing-overrange = 超上量程
missing-underrange = 低于量程下限
missing-instrument-fault = 仪器故障（代码 { $code }）
missing-line-down = 线路中断

quality-good = 正常
quality-unregistered = 未登记
quality-unstable = 未稳定
quality-stale = 数据过旧
quality-verification-due = 检定即将到期
quality-out-of-verification = 检定已过期
quality-identity-mismatch = 仪器身份不符
quality-function-check-overdue = 未按期做功能核查
quality-implausible = 数值不合理

unit-count = 计数
unit-grade = 级
