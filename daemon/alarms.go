package daemon

import (
	"container/heap"
	"time"
)

// alarm is something to be done at a time, unless it is called off before.
type alarm struct {
	at   time.Time
	ring func()
	slot int // in the heap, plus one; 0 is outside
}

// alarms is all of them, the earliest first.
type alarms []*alarm

func (h *alarms) first() time.Time {
	if len(*h) == 0 {
		return time.Time{}
	}
	return (*h)[0].at
}

// set has ring called at a time.
func (h *alarms) set(at time.Time, ring func()) *alarm {
	a := &alarm{at: at, ring: ring}
	heap.Push(h, a)
	return a
}

// off calls an alarm off; nil, and one that has rung, are none.
func (h *alarms) off(a *alarm) {
	if a != nil && a.slot > 0 {
		heap.Remove(h, a.slot-1)
	}
}

// when is the time of an alarm, zero for one that does not ring any more and for none.
func (a *alarm) when() time.Time {
	if a == nil || a.slot == 0 {
		return time.Time{}
	}
	return a.at
}

// expire rings those that have come.
func (h *alarms) expire(now time.Time) {
	for at := h.first(); !at.IsZero() && !at.After(now); at = h.first() {
		heap.Pop(h).(*alarm).ring()
	}
}

// Len is how many there are.
func (h alarms) Len() int { return len(h) }

// Less is the order of the heap: the earliest comes first.
func (h alarms) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

// Swap exchanges two places.
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i+1, j+1
}

// Push adds x, an *alarm, at the end.
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	*h = append(*h, a)
	a.slot = len(*h)
}

// Pop takes the last one off.
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	a.slot = 0
	return a
}
