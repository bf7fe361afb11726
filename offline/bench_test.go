package offline

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/payment"
)

// BenchmarkSale measures a sale of four commits: its time, and the bytes that
// reach the disk. It needs a real file system: a tmpfs counts nothing.
func BenchmarkSale(b *testing.B) {
	for _, backlog := range []int{0, 1000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			j := open(b, b.TempDir())
			for range backlog {
				s := newStory(b, j)
				commit(b, j, s.authorising(1), s.ends(payment.Approved))
			}
			commits, lines, disk := j.Stats().Commits, j.Stats().Bytes, written(b)
			b.ResetTimer()
			for range b.N {
				commit(b, j, newStory(b, j).whole()...)
			}
			b.StopTimer()
			per := func(n uint64) float64 { return float64(n) / float64(b.N) }
			b.ReportMetric(per(written(b)-disk), "written-B/sale")
			b.ReportMetric(per(j.Stats().Bytes-lines), "log-B/sale")
			b.ReportMetric(per(j.Stats().Commits-commits), "commits/sale")
		})
	}
}

// TestBytesWritten holds the journal to its budget: 90 KB and four commits a
// sale, flash being what wears out.
func TestBytesWritten(t *testing.T) {
	const (
		sales     = 200
		budgetMax = 90_000
	)
	j := open(t, t.TempDir())
	before := written(t)
	for range sales {
		commit(t, j, newStory(t, j).whole()...)
	}
	perSale := (written(t) - before) / sales
	if perSale == 0 {
		t.Skip("this file system counts no written bytes (a tmpfs?)")
	}
	if commits := j.Stats().Commits; commits != 4*sales || perSale > budgetMax {
		t.Errorf("a sale takes %d commits and %d bytes, 4 and %d are allowed", commits/sales, perSale, budgetMax)
	}
	t.Logf("%d bytes written for each sale", perSale)
}

// written is what this process has caused to be written to disks.
func written(t testing.TB) uint64 {
	t.Helper()
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("no count of bytes here: %v", err)
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Skip("no count of written bytes here")
	return 0
}
