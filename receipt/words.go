package receipt

// words are what a slip says, in one language.
type words struct {
	copies         [2]string // by Copy
	outcomes       [5]string // by Outcome
	reasons        map[string]string
	test           string
	reprint        string
	merchant       string
	terminal       string
	date           string
	receipt        string
	stan           string
	batch          string
	card           string
	entry          string
	entries        [4]string // by Entry; a chip has no line
	label          string
	sale           string
	authCode       string
	hostRef        string
	code           string
	onlinePIN      string
	offlinePIN     string
	device         string
	noCVM          string
	signature      string
	signed         string
	reversing      string
	nothingCharged string
	reversed       string
}

func wordsOf(l Language) words {
	if l == Chinese {
		return chinese
	}
	return english
}

var english = words{
	copies:   [2]string{"Merchant copy", "Customer copy"},
	outcomes: [5]string{"DECLINED", "APPROVED", "NOT COMPLETED", "REVERSED", "CANCELLED"},
	reasons: map[string]string{
		"01": "Call the card issuer",
		"02": "Call the card issuer",
		"05": "Refused by the card issuer",
		"14": "Unknown card number",
		"51": "Not enough funds",
		"54": "Card expired",
		"55": "Wrong PIN",
		"61": "Above the card's limit",
		"75": "Too many wrong PINs",
		"91": "Card issuer not available",
	},
	test:           "*** TEST - NO PAYMENT ***",
	reprint:        "*** COPY ***",
	merchant:       "Merchant",
	terminal:       "Terminal",
	date:           "Date",
	receipt:        "Receipt",
	stan:           "Trace",
	batch:          "Batch",
	card:           "Card",
	entry:          "Read by",
	entries:        [4]string{"", "Magnetic stripe", "Stripe, chip failed", "Contactless"},
	label:          "Application",
	sale:           "SALE",
	authCode:       "Authorisation",
	hostRef:        "Reference",
	code:           "Response",
	onlinePIN:      "PIN verified online",
	offlinePIN:     "PIN verified by the card",
	device:         "Verified by customer's device",
	noCVM:          "No verification",
	signature:      "Signature:",
	signed:         "With signature",
	reversing:      "No answer came. This sale is being reversed.",
	nothingCharged: "Nothing was charged.",
	reversed:       "This sale was reversed.",
}

var chinese = words{
	copies:   [2]string{"商户存根", "持卡人存根"},
	outcomes: [5]string{"交易拒绝", "交易成功", "交易未完成", "已冲正", "交易取消"},
	reasons: map[string]string{
		"01": "请与发卡行联系",
		"02": "请与发卡行联系",
		"05": "发卡行拒绝交易",
		"14": "无效卡号",
		"51": "余额不足",
		"54": "卡片已过期",
		"55": "密码错误",
		"61": "超出交易限额",
		"75": "密码错误次数超限",
		"91": "发卡行不能操作",
	},
	test:           "*** 测试交易 无效 ***",
	reprint:        "*** 重打印 ***",
	merchant:       "商户编号",
	terminal:       "终端编号",
	date:           "日期",
	receipt:        "凭证号",
	stan:           "流水号",
	batch:          "批次号",
	card:           "卡号",
	entry:          "读卡方式",
	entries:        [4]string{"", "刷卡", "刷卡（芯片故障）", "挥卡"},
	label:          "应用标签",
	sale:           "消费",
	authCode:       "授权码",
	hostRef:        "参考号",
	code:           "应答码",
	onlinePIN:      "已联机验证密码",
	offlinePIN:     "卡片已验证密码",
	device:         "持卡人设备已验证身份",
	noCVM:          "免密免签",
	signature:      "持卡人签名：",
	signed:         "凭签名",
	reversing:      "未收到应答，本笔交易正在冲正。",
	nothingCharged: "未扣款。",
	reversed:       "本笔交易已冲正。",
}
