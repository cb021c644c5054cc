#include "textflag.h"

// Signal handlers, called by the kernel on whatever thread takes the signal, with
// the C convention: DI is the signal, SI the siginfo_t, DX the ucontext_t. No Go
// may run here. See handler.go.

#define SYS_rt_sigreturn      15
#define SYS_gettid            186
#define SYS_rt_tgsigqueueinfo 297
#define SIGABRT               6
#define SI_QUEUE              -1
#define si_code               8   // offset in siginfo_t
#define uc_sigmask            296 // offset in ucontext_t

TEXT passOn<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVL $SYS_gettid, AX
	SYSCALL
	MOVL ·loopThread(SB), R8
	TESTL R8, R8
	JZ   note
	CMPL AX, R8
	JEQ  note
	LEAL -1(DI), CX
	BTSQ CX, uc_sigmask(DX)
	JMP  queue<>(SB)
note:
	LEAQ ·noted(SB), AX
	MOVB $1, (AX)(DI*1)
	RET

TEXT passFault<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	CMPL si_code(SI), $0
	JGT  own
	MOVL DI, ·faultSent(SB)
	MOVL $SIGABRT, DI
	JMP  queue<>(SB)
own:
	MOVQ ·runtimeHandler(SB), AX
	JMP  AX

// queue sends the signal DI to the loop's thread, with the siginfo SI.
TEXT queue<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $SI_QUEUE, si_code(SI)
	MOVQ SI, R10
	MOVL DI, DX
	MOVL ·loopThread(SB), SI
	MOVL ·loopProcess(SB), DI
	MOVL $SYS_rt_tgsigqueueinfo, AX
	SYSCALL
	RET

TEXT doNothing<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	RET

// handlerReturn is where a handler returns to (SA_RESTORER).
TEXT handlerReturn<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	MOVQ $SYS_rt_sigreturn, AX
	SYSCALL
	INT  $3

DATA ·addressOfPassOn(SB)/8, $passOn<>(SB)
GLOBL ·addressOfPassOn(SB), RODATA|NOPTR, $8
DATA ·addressOfPassFault(SB)/8, $passFault<>(SB)
GLOBL ·addressOfPassFault(SB), RODATA|NOPTR, $8
DATA ·addressOfDoNothing(SB)/8, $doNothing<>(SB)
GLOBL ·addressOfDoNothing(SB), RODATA|NOPTR, $8
DATA ·addressOfHandlerReturn(SB)/8, $handlerReturn<>(SB)
GLOBL ·addressOfHandlerReturn(SB), RODATA|NOPTR, $8
