// SPDX-License-Identifier: Apache-2.0
// Lets the host language stop a long native call: Ctrl-C is answered at the next poll.
#pragma once

namespace fastcv {

// The poll throws to stop the call. Set once by the bindings; without one, polling does nothing.
void set_interrupt_poll(void (*poll)());

// Cheap enough for inner loops: asks at most every 20 ms of this thread's time. Call it on the calling thread only.
void poll_interrupt();

}  // namespace fastcv
