package process

import "time"

// heap orders the instances that have a deadline, so that ten thousand of them
// cost no scan. Instance.slot is the place in items plus one.
type heap struct{ items []*Instance }

func (h *heap) first() time.Time {
	if len(h.items) == 0 {
		return time.Time{}
	}
	return h.items[0].deadline
}

// put brings i to where its deadline belongs: in, out or elsewhere.
func (h *heap) put(i *Instance) {
	switch {
	case i.deadline.IsZero() && i.slot == 0:
	case i.deadline.IsZero():
		h.remove(i)
	case i.slot == 0:
		h.items = append(h.items, i)
		i.slot = len(h.items)
		h.up(i.slot - 1)
	default:
		h.down(h.up(i.slot - 1))
	}
}

func (h *heap) remove(i *Instance) {
	n, last := i.slot-1, len(h.items)-1
	h.swap(n, last)
	h.items[last] = nil
	h.items = h.items[:last]
	i.slot = 0
	if n < last {
		h.down(h.up(n))
	}
}

func (h *heap) swap(a, b int) {
	h.items[a], h.items[b] = h.items[b], h.items[a]
	h.items[a].slot, h.items[b].slot = a+1, b+1
}

func (h *heap) less(a, b int) bool { return h.items[a].deadline.Before(h.items[b].deadline) }

func (h *heap) up(n int) int {
	for n > 0 && h.less(n, (n-1)/2) {
		h.swap(n, (n-1)/2)
		n = (n - 1) / 2
	}
	return n
}

func (h *heap) down(n int) {
	for {
		least := n
		for c := 2*n + 1; c <= 2*n+2 && c < len(h.items); c++ {
			if h.less(c, least) {
				least = c
			}
		}
		if least == n {
			return
		}
		h.swap(n, least)
		n = least
	}
}
