# SPDX-License-Identifier: GPL-2.0-or-later
# -m bpf.
@family both
-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0" => =
                                              => list: match bpf 48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0
-m bpf --bytecode "1, 6 0 0 1 ,"              => -m bpf --bytecode "1,6 0 0 1"
-m bpf --bytecode "1,6 0 0 1,6 0 0 0"         => words: bpf: real program length exceeds the encoded length parameter
                                              => exit: 2
-m bpf --bytecode "2,6 0 0 1"                 => words: bpf: parsed program length is less than the encoded length parameter
-m bpf --bytecode "x"                         => words: bpf: error parsing program length
-m bpf --bytecode "65,6 0 0 1"                => words: bpf: number of instructions exceeds maximum
-m bpf --bytecode "0,"                        => words: bpf: illegal zero length program
-m bpf --bytecode "1,6 0 0"                   => words: bpf: error at instr 0
-m bpf --bytecode "1,6 0 256 1"               => words: bpf: error at instr 0
-m bpf ! --bytecode "1,6 0 0 1"               => words: bpf: option "--bytecode" cannot be inverted.
-m bpf                                        => words: bpf: one of --bytecode or --pinned is required
-m bpf --object-pinned /sys/fs/bpf/x          => error: a pinned program runs in the kernel only
                                              => hint: give the program itself with --bytecode
                                              => exit: 2
# What the kernel refuses: no end, unknown codes, jumps out, memory that is not there, zero.
-m bpf --bytecode "1,4 0 0 1"                 => error: instruction 0 ends without a result
                                              => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m bpf --bytecode "2,255 0 0 1,6 0 0 0"       => error: instruction 0 is none
-m bpf --bytecode "2,21 1 0 0,6 0 0 0"        => error: instruction 0 jumps behind the end
-m bpf --bytecode "2,5 0 0 1,6 0 0 0"         => error: instruction 0 jumps behind the end
-m bpf --bytecode "2,2 0 0 16,6 0 0 0"        => error: instruction 0 uses memory that is not there
-m bpf --bytecode "2,96 0 0 3,6 0 0 0"        => error: the program reads memory that was not written
-m bpf --bytecode "4,21 0 1 0,2 0 0 3,96 0 0 3,6 0 0 0" => error: the program reads memory that was not written
-m bpf --bytecode "2,52 0 0 0,6 0 0 0"        => error: instruction 0 divides by zero
-m bpf --bytecode "2,100 0 0 32,6 0 0 0"      => error: instruction 0 shifts by more than 31 bits
-m bpf --bytecode "2,32 0 0 4294963264,6 0 0 0" => error: instruction 0 reads no known fact
# What the kernel knows and a queue does not: the interface's number, the link layer.
-m bpf --bytecode "2,32 0 0 4294963208,6 0 0 0" => error: a queue does not tell what instruction 0 reads
                                              => exit: 2
-m bpf --bytecode "2,48 0 0 4292870144,6 0 0 0" => error: a queue does not tell what instruction 0 reads
-m bpf --bytecode "2,80 0 0 4292870144,6 0 0 0" => error: a queue does not tell what instruction 0 reads
-m bpf --bytecode "2,177 0 0 4292870144,6 0 0 0" => error: a queue does not tell what instruction 0 reads
-m bpf --bytecode "2,177 0 0 4293918720,22 0 0 0" => ok
-m bpf --bytecode "2,32 0 0 4294963220,22 0 0 0" => ok
