package ledger

// schema makes the tables where they are missing. Types and clauses are those
// that SQLite and PostgreSQL share. Times are milliseconds since 1970, UTC;
// hashes are hex and answers are JSON.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS sales (
		terminal      TEXT   NOT NULL,
		epoch         BIGINT NOT NULL,
		seq           BIGINT NOT NULL,
		revision      BIGINT NOT NULL,
		unsettled     BIGINT NOT NULL,
		state         TEXT   NOT NULL,
		authorisation TEXT   NOT NULL,
		attempt       BIGINT NOT NULL,
		completion    TEXT   NOT NULL,
		reversal      TEXT   NOT NULL,
		alarm         TEXT   NOT NULL,
		version       BIGINT NOT NULL,
		kind          TEXT   NOT NULL,
		amount_minor  BIGINT NOT NULL,
		currency      TEXT   NOT NULL,
		exponent      BIGINT NOT NULL,
		masked        TEXT   NOT NULL,
		token         TEXT   NOT NULL,
		code          TEXT   NOT NULL,
		auth_code     TEXT   NOT NULL,
		host_ref      TEXT   NOT NULL,
		receipt       BIGINT NOT NULL,
		stan          BIGINT NOT NULL,
		merchant      TEXT   NOT NULL,
		acquirer_tid  TEXT   NOT NULL,
		reason        TEXT   NOT NULL,
		entry         TEXT   NOT NULL DEFAULT '',
		at_ms         BIGINT NOT NULL,
		first_ms      BIGINT NOT NULL,
		last_ms       BIGINT NOT NULL,
		PRIMARY KEY (terminal, epoch, seq)
	)`,
	`CREATE INDEX IF NOT EXISTS sales_unsettled ON sales (terminal, epoch, seq) WHERE unsettled = 1`,
	`CREATE INDEX IF NOT EXISTS sales_first ON sales (first_ms, terminal, epoch, seq)`,
	`CREATE TABLE IF NOT EXISTS messages (
		terminal    TEXT   NOT NULL,
		epoch       BIGINT NOT NULL,
		seq         BIGINT NOT NULL,
		leg         TEXT   NOT NULL,
		attempt     BIGINT NOT NULL,
		version     BIGINT NOT NULL,
		hash        TEXT   NOT NULL,
		received_ms BIGINT NOT NULL,
		answer      TEXT,
		PRIMARY KEY (terminal, epoch, seq, leg, attempt)
	)`,
	`CREATE TABLE IF NOT EXISTS terminals (
		terminal TEXT   NOT NULL PRIMARY KEY,
		epoch    BIGINT NOT NULL,
		seq      BIGINT NOT NULL,
		software TEXT   NOT NULL,
		params   BIGINT NOT NULL,
		seen_ms  BIGINT NOT NULL
	)`,
}

// addEntry is for a ledger from before it knew how cards were read.
const addEntry = `ALTER TABLE sales ADD COLUMN entry TEXT NOT NULL DEFAULT ''`

const (
	oldColumns = `authorisation, attempt, completion, reversal, alarm, version, kind, amount_minor, currency,
		exponent, masked, token, code, auth_code, host_ref, receipt, stan, merchant, acquirer_tid, reason,
		at_ms, first_ms, last_ms`

	columns = oldColumns + `, entry`

	// What a reader of an old ledger selects.
	columnsBefore = oldColumns + `, '' AS entry`

	probeEntry = `SELECT entry FROM sales WHERE 1 = 0`

	fromSale = ` FROM sales WHERE terminal = $1 AND epoch = $2 AND seq = $3`

	insertSale = `INSERT INTO sales (terminal, epoch, seq, revision, unsettled, state, ` + columns + `)
		VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
			$21, $22, $23, $24, $25, $26, $27, $28, $29)
		ON CONFLICT DO NOTHING`

	updateSale = `UPDATE sales SET revision = revision + 1, unsettled = $4, state = $5,
		authorisation = $6, attempt = $7, completion = $8, reversal = $9, alarm = $10, version = $11, kind = $12,
		amount_minor = $13, currency = $14, exponent = $15, masked = $16, token = $17, code = $18,
		auth_code = $19, host_ref = $20, receipt = $21, stan = $22, merchant = $23, acquirer_tid = $24,
		reason = $25, at_ms = $26, first_ms = $27, last_ms = $28, entry = $29
		WHERE terminal = $1 AND epoch = $2 AND seq = $3 AND revision = $30`

	selectMessages = `SELECT leg, attempt, version, hash, received_ms, answer FROM messages
		WHERE terminal = $1 AND epoch = $2 AND seq = $3 ORDER BY received_ms, leg, attempt`

	upsertMessage = `INSERT INTO messages (terminal, epoch, seq, leg, attempt, version, hash, received_ms, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (terminal, epoch, seq, leg, attempt)
		DO UPDATE SET version = excluded.version, hash = excluded.hash, answer = excluded.answer`

	selectUnsettled = `SELECT terminal, epoch, seq FROM sales WHERE unsettled = 1 ORDER BY terminal, epoch, seq`

	// The row is written only where it grows, so that a reconnect costs no sync.
	greet = `INSERT INTO terminals (terminal, epoch, seq, software, params, seen_ms) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (terminal) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
			software = excluded.software, params = excluded.params, seen_ms = excluded.seen_ms
		WHERE terminals.epoch < excluded.epoch OR terminals.epoch = excluded.epoch AND terminals.seq < excluded.seq`

	selectHighest = `SELECT epoch, seq FROM (
			SELECT epoch, seq FROM sales WHERE terminal = $1
			UNION ALL SELECT epoch, seq FROM terminals WHERE terminal = $1
		) AS seen ORDER BY epoch DESC, seq DESC LIMIT 1`
)
