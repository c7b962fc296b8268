### 本地页面登录。

sign-in = 登录
sign-out = 退出登录
sign-in-name = 用户名
sign-in-password = 密码
sign-in-wrong = 用户名或密码不正确。
sign-in-wait = 尝试次数过多，请等待 { $seconds } 秒后再试。
sign-in-busy = 同时登录的人过多，请稍后再试。
sign-in-no-users = 本机没有用户文件，任何人都不能登录。请联系本机管理人员。
sign-in-no-users-file = 用户文件无法完整读取。请联系本机管理人员，原因见日志。
signed-in-as = 已登录：{ $name }（{ $role }）
role-missing = 此操作需要其他角色：{ $roles }。
role-operator = 操作员
role-metrologist = 计量人员
role-reviewer = 复核人员
role-administrator = 管理员
