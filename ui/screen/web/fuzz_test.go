package web

import "testing"

func FuzzParseInput(f *testing.F) {
	for _, seed := range []string{
		`{"t":"ack","seq":7}`, `{"t":"touch","id":9,"k":"move","x":1.5,"y":-3}`, `{"t":"key","name":"Return","rune":"\n","down":true}`,
		`{"t":"scroll","x":1,"y":2,"dx":0,"dy":-1e30}`, `{"t":"touch","id":10}`, `[]`, `{"t":"key","rune":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parseInput(data)
		if err != nil {
			return
		}
		if in.Finger < 0 && in.Type == "touch" || in.Finger >= fingersMax && in.Type == "touch" || len(in.Name) > nameMax && in.Type == "key" {
			t.Errorf("%q gave %+v", data, in)
		}
	})
}
