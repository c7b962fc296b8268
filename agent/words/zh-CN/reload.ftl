### Another configuration while the agent runs, and what the service manager is told.

reload-activated = 已生效。
reload-unchanged = 没有变化，该配置已在使用中。
reload-would-activate = 可以生效；未作任何更改。
reload-refused = 已拒绝；继续使用上一份有效配置。
reload-not-now = 暂不能生效：{ $why }。继续使用原配置。
reload-changes = 变化：{ $parts }
reload-restart = 需要重新启动：{ $part }
reload-busy = 等待 { $place }，正在进行 { $subject }
reload-interrupted = { $place }：进行中的检查已记录为中断
config-refused = 磁盘上的配置有 { $faults } 处错误，未生效；正在使用上一份有效配置。第一处：{ $first }
config-refused-short = 配置被拒绝，{ $faults } 处错误
service-recording = 正在记录，共 { $records } 条记录
service-not-recording = 未在记录：{ $why }
