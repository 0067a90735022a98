// SPDX-License-Identifier: Apache-2.0
// The numbers of columns that kernels of the reduced system are compiled for.
#pragma once

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA::ba {

template <int S>
struct Columns {
  static constexpr int kSize = S;
};
// Calls f(Columns<S>) with the number of columns S, one of kColumns in arrangement.cpp.
template <class F>
FASTCV_HD void with_columns(int columns, F&& f) {
  switch (columns) {
    case 6:
      return f(Columns<6>{});
    case 7:
      return f(Columns<7>{});
    case 8:
      return f(Columns<8>{});
    case 9:
      return f(Columns<9>{});
    case 10:
      return f(Columns<10>{});
    case 12:
      return f(Columns<12>{});
    case 14:
      return f(Columns<14>{});
    case 16:
      return f(Columns<16>{});
    case 18:
      return f(Columns<18>{});
    default:
      return f(Columns<24>{});
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
