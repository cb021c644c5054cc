package logfile

import "time"

// patience is how long a part of a line waits for its end.
const patience = time.Second

// wait is something to be done when patience is at its end, unless it is
// removed from the queue before.
type wait struct {
	at         time.Time
	fire       func(now time.Time)
	prev, next *wait
	queued     bool
}

// queue holds waits in the order of their time. As all wait equally long and
// time does not go backwards, that is the order in which they were added, and
// a list does what a heap would.
type queue struct{ first, last *wait }

func (q *queue) add(w *wait, now time.Time) {
	if w.queued {
		return
	}
	w.at, w.queued, w.prev, w.next = now.Add(patience), true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *queue) remove(w *wait) {
	if !w.queued {
		return
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
}
