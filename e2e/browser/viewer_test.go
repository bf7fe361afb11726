//go:build browser

package browser

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cloudpos/cloudpos/payment"
)

// The terminal goes down and comes back, and so does the page, by itself. It
// shows the screen dot for dot.
func TestReconnects(t *testing.T) {
	s := newStory(t, "reconnects", exact, nil)
	s.sees("idle")
	s.sameOnGlass()
	s.taps("New sale")
	s.taps("7")
	s.sees("amount")
	s.sameOnGlass()
	must(t, s.Agent.Stop())
	s.page.until("the page has lost its screen", `document.body.classList.contains('lost')`)
	s.page.until("the page says so", `/lost|Connecting/.test(document.getElementById('text').textContent)`)
	s.keep("lost")

	must(t, s.StartAgent(t.Context()))
	s.renewGlass() // what was keyed in is forgotten
	s.sees("idle-again")
	s.sameOnGlass()
	s.taps("New sale")
	s.sees("amount-again")
	s.ends()
}

// sameOnGlass takes a picture of the window itself, which is of the screen's
// size, and compares that: what eyes see, not what the page has drawn.
func (s *story) sameOnGlass() {
	s.t.Helper()
	want, moving := s.glass.paint(), s.glass.moving()
	until(s.t, "the window has the screen's pixels", func() error {
		data, err := s.page.glance()
		if err != nil {
			return err
		}
		got, err := decode(data)
		if err != nil {
			return err
		}
		if n := different(got, want, moving); n > 0 {
			return fmt.Errorf("%d pixels differ", n)
		}
		return nil
	})
}

// A phone in the cashier's hand: a small window, and fingers.
func TestPhone(t *testing.T) {
	s := newStory(t, "phone", phone, nil)
	must(t, s.Shop.ByHand(false))
	s.sees("idle")
	s.charges("New sale", "30.00", "Charge")
	must(t, s.Shop.Insert("pin"))
	s.knows("pin")
	s.shows(payment.ScreenApproved, func(v *payment.View) { v.Notice, v.Code = payment.NoticeRemoveCard, "00" })
	s.sees("approved-card-in")
	must(t, s.Shop.Pull())
	rec := s.over("approved")
	rec.is(t, booked{State: payment.Approved, Amount: "CNY 30.00", Code: "00", CVM: "online-pin"})
	s.taps("New sale")
	s.taps("icon:back")
	s.sees("idle-again")
	s.ends()
}

// tokens makes the files of two tokens, and lets the terminal want them.
func (s *story) tokens() (touch, look string) {
	s.t.Helper()
	touch, look = rand.Text(), rand.Text()
	text := ""
	for name, token := range map[string]string{"web_token_file": touch, "web_view_token_file": look} {
		file := s.Path("t1", name)
		must(s.t, os.WriteFile(file, []byte(token+"\n"), 0o600))
		text += fmt.Sprintf("%s = %q\n", name, filepath.Base(file))
	}
	must(s.t, s.EditFile(s.Config(), func(config string) string {
		return strings.Replace(config, "[screen]\n", "[screen]\n"+text, 1)
	}))
	return touch, look
}

// A viewer with the token to look sees everything and changes nothing, whatever
// his browser sends.
func TestViewOnly(t *testing.T) {
	var touch, look string
	s := newStory(t, "view-only", exact, func(s *story) { touch, look = s.tokens() })
	address := "http://" + s.Screen + "/"
	s.page = s.open(exact, address+"#token="+touch)
	viewer := s.open(exact, address+"#token="+look)
	s.sees("idle")
	s.agrees(viewer, "the viewer's idle")
	viewer.until("the page says that it is for looking", `!document.getElementById('badge').hidden`)

	_, key, err := s.glass.find("New sale")
	must(t, err)
	at := key.Min.Add(key.Size().Div(2))
	viewer.tapPixel(at)
	// Nor do taps count that the page would never send. The terminal takes
	// them in order, and hangs up at the nonsense behind them.
	viewer.until("the terminal has taken it all", fmt.Sprintf(`new Promise((done) => {
		const coded = btoa(%s).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
		const socket = new WebSocket(location.href.replace(/^http/, 'ws').replace(/#.*/, '') + 'ws', ['cloudpos.screen.v1', 'token.' + coded]);
		socket.onopen = () => {
			for (const k of ['down', 'up']) socket.send(JSON.stringify({ t: 'touch', id: 0, k, x: %d, y: %d }));
			socket.send(JSON.stringify({ t: 'key', name: 'Return', down: true }));
			socket.send('nonsense');
		};
		let opened = false;
		socket.addEventListener('open', () => { opened = true; });
		socket.onclose = () => done(opened);
	})`, quoted(look), at.X, at.Y))
	s.taps("History")
	s.glass.ui.ShowHistory(nil)
	s.sees("history")
	s.agrees(viewer, "the viewer's history")
	s.keepOf(viewer, "viewer")
	s.ends()
}

// Who has a wrong token, or none, sees nothing. The right one, typed in, opens
// the screen.
func TestWrongToken(t *testing.T) {
	var touch string
	s := newStory(t, "wrong-token", exact, func(s *story) { touch, _ = s.tokens() })
	address := "http://" + s.Screen + "/"
	asks := func(words string) {
		t.Helper()
		s.page.until("the page asks for a token", `!document.getElementById('ask').hidden
			&& document.getElementById('text').textContent.includes(`+quoted(words)+`)`)
		s.page.until("nothing was shown", `document.getElementById('screen').hidden && document.getElementById('screen').width === 1`)
	}
	asks("needs an access token")
	s.keep("no-token")
	s.page = s.open(exact, address+"#token="+rand.Text())
	asks("not right")
	s.keep("wrong-token")
	s.page.until("the wrong token is not in the address", `!location.href.includes('token')`)
	s.page.until("nobody answers it", `fetch('hello').then((answer) => answer.status === 401)`)
	s.page.until("no socket opens", `new Promise((done) => {
		const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'ws', ['cloudpos.screen.v1']);
		socket.onopen = () => done(false);
		socket.onclose = () => done(true);
	})`)
	s.page.do(chromedp.SendKeys(chromedp.CSS("#token"), touch), chromedp.Click(chromedp.CSS("#open")))
	s.sees("idle")
	s.taps("New sale")
	s.sees("amount")
	s.ends()
}
