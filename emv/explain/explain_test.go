package explain_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpos/cloudpos/emv/explain"
	"github.com/cloudpos/cloudpos/emv/tlv"
)

var update = flag.Bool("update", false, "rewrite what is printed in testdata/*.txt")

// story reads a golden file: why it is there, hex, a line "=", what is printed.
func story(t testing.TB, file string) (head string, data []byte, want string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, want, _ = strings.Cut(string(raw), "=\n")
	var digits strings.Builder
	for line := range strings.Lines(head) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	if data, err = hex.DecodeString(digits.String()); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return head, data, want
}

func stories(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	return files
}

func TestStories(t *testing.T) {
	for _, file := range stories(t) {
		head, data, want := story(t, file)
		if !strings.HasPrefix(head, "# ") {
			t.Errorf("%s does not say why it is there", file)
		}
		e, err := explain.Explain(data)
		got := e.String()
		if err != nil {
			got += "error: " + err.Error() + "\n"
		}
		if *update {
			if err := os.WriteFile(file, []byte(head+"=\n"+got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}

// TestJSON: a program gets the same, with places.
func TestJSON(t *testing.T) {
	e, err := explain.Explain([]byte{0x70, 0x0F, 0x5A, 0x08, 0x99, 0x99, 0x01, 0, 0, 0, 0, 0x18, 0x9B, 0x03, 0xE8, 0, 0, 0x90, 0})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(e)
	want := `{"objects":[{"tag":"70","name":"READ RECORD response template","source":"card","offset":0,"length":15,` +
		`"objects":[{"tag":"5A","name":"application primary account number","source":"card","offset":2,"length":8,` +
		`"value":"999901******0018","masked":true},` +
		`{"tag":"9B","name":"transaction status information","source":"terminal","offset":12,"length":3,"value":"E80000",` +
		`"meaning":["the length is wrong: 2 bytes are right",` +
		`"byte 1, bit 8: offline data authentication was performed","byte 1, bit 7: cardholder verification was performed",` +
		`"byte 1, bit 6: card risk management was performed","byte 1, bit 4: terminal risk management was performed"]}]}],` +
		`"status":"9000"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// TestAccountNumber: no form of the number gets through, wherever it stands.
func TestAccountNumber(t *testing.T) {
	const number, odd = "6270000000000012", "6270000000000000017"
	object := func(tag, value string) string { return fmt.Sprintf("%s%02X%s", tag, len(value)/2, value) }
	pan, text := object("5A", number), hex.EncodeToString([]byte(number))
	for _, in := range []string{
		pan, object("5A", odd+"F"), object("5A", "F"+odd), object("57", number+"D28122011234567890F0"),
		object("9F6B", odd+"D2812201F"), object("57", number),
		object("DF01", "A"+number+"F") + pan, // between nibbles
		object("DF01", text) + pan,
		object("9F7C", "00"+number+"00"), object("DF01", "00"+number+"00"), object("DF01", "AB"+text+"41"), // by its check digit alone
		object("DF01", "A"+number+"F") + pan[:8], object("DF01", text) + "9F", // a fault behind it
		object("70", pan) + object("9F5E", number+"01") + object("83", "00"+number),
		pan + object("9F02", "0000"+number+"0000"),
		pan + object("71", object("86", "8424000008"+number)),
		object("80", "3C00"+number) + pan,
	} {
		data, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		e, err := explain.Explain(data)
		if err != nil && !errors.Is(err, tlv.ErrMalformed) {
			t.Errorf("Explain(%s): %v", in, err)
		}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{string(raw), e.String(), fmt.Sprintf("%+v %v", e, err)} {
			for _, part := range []string{number, odd, number[:12], number[6:], "2812201", text} {
				if strings.Contains(shown, part) {
					t.Errorf("Explain(%s) shows %s: %s", in, part, shown)
				}
			}
		}
	}
}

// FuzzExplain: any bytes are explained or refused, in bounded length, and an
// account number among them is not shown.
func FuzzExplain(f *testing.F) {
	for _, file := range stories(f) {
		_, data, _ := story(f, file)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := explain.Explain(data)
		if err != nil && !errors.Is(err, tlv.ErrMalformed) {
			t.Fatalf("Explain(%x): %v is not ErrMalformed", data, err)
		}
		shown := e.String()
		if most := 4096 + 4096*len(data); len(shown) > most {
			t.Fatalf("Explain(%x) writes %d characters", data, len(shown))
		}
		number, ok := tlv.Find(data, tlv.RecordTemplate, tlv.PAN)
		digits, err := tlv.AppendDigits(nil, number)
		if ok && err == nil && len(digits) >= 13 && bytes.Contains([]byte(shown), digits) {
			t.Fatalf("Explain(%x) shows %s", data, digits)
		}
	})
}

func ExampleExplain() {
	e, err := explain.Explain([]byte{0x82, 0x02, 0x18, 0x00, 0x9F, 0x27, 0x01, 0x80, 0x5F, 0x24, 0x03, 0x28, 0x12, 0x31})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(e)
	// Output:
	// 82 application interchange profile: 1800
	//   - byte 1, bit 5: cardholder verification is supported
	//   - byte 1, bit 4: terminal risk management is to be performed
	// 9F27 cryptogram information data: 80
	//   - bits 8 and 7: ARQC: the issuer is asked
	// 5F24 application expiration date: 281231 = 2028-12-31
}
