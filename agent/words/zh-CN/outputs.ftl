# 灯光、道闸和摄像机。
event-output-fault = { $subject } 不受控
event-output-restored = { $subject } 已恢复受控
event-camera-missed = { $subject } 未取到图片
output-working = { $output } 显示 { $state }
output-fault = { $output } 不受控：{ $why }。请勿以其灯光为准
