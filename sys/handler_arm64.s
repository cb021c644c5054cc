#include "textflag.h"

// Signal handlers, called by the kernel on whatever thread takes the signal, with
// the C convention: R0 is the signal, R1 the siginfo_t, R2 the ucontext_t. No Go
// may run here. See handler.go.

#define SYS_rt_sigreturn      139
#define SYS_gettid            178
#define SYS_rt_tgsigqueueinfo 240
#define SIGABRT               6
#define SI_QUEUE              -1
#define si_code               8  // offset in siginfo_t
#define uc_sigmask            40 // offset in ucontext_t

TEXT passOn<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVD R0, R6
	MOVD $SYS_gettid, R8
	SVC
	MOVW ·loopThread(SB), R7
	CBZW R7, note
	CMPW R7, R0
	BEQ  note
	SUB  $1, R6, R3
	MOVD $1, R4
	LSL  R3, R4, R4
	MOVD uc_sigmask(R2), R5
	ORR  R4, R5, R5
	MOVD R5, uc_sigmask(R2)
	MOVD R6, R0
	B    queue<>(SB)
note:
	MOVD $·noted(SB), R3
	MOVD $1, R4
	MOVB R4, (R3)(R6)
	RET

TEXT passFault<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVW si_code(R1), R3
	CMPW $0, R3
	BGT  own
	MOVW R0, ·faultSent(SB)
	MOVD $SIGABRT, R0
	B    queue<>(SB)
own:
	MOVD ·runtimeHandler(SB), R3
	B    (R3)

// queue sends the signal R0 to the loop's thread, with the siginfo R1.
TEXT queue<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $SI_QUEUE, R3
	MOVW R3, si_code(R1)
	MOVD R1, R3
	MOVD R0, R2
	MOVW ·loopThread(SB), R1
	MOVW ·loopProcess(SB), R0
	MOVD $SYS_rt_tgsigqueueinfo, R8
	SVC
	RET

TEXT doNothing<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	RET

// handlerReturn is not needed here: the kernel has its own.
TEXT handlerReturn<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVD $SYS_rt_sigreturn, R8
	SVC
	RET

DATA ·addressOfPassOn(SB)/8, $passOn<>(SB)
GLOBL ·addressOfPassOn(SB), RODATA|NOPTR, $8
DATA ·addressOfPassFault(SB)/8, $passFault<>(SB)
GLOBL ·addressOfPassFault(SB), RODATA|NOPTR, $8
DATA ·addressOfDoNothing(SB)/8, $doNothing<>(SB)
GLOBL ·addressOfDoNothing(SB), RODATA|NOPTR, $8
DATA ·addressOfHandlerReturn(SB)/8, $handlerReturn<>(SB)
GLOBL ·addressOfHandlerReturn(SB), RODATA|NOPTR, $8
