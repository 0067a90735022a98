// SPDX-License-Identifier: Apache-2.0
#include "ba/ceres/version.h"

#include <ceres/version.h>

namespace fastcv::ba {

const char* ceres_version() { return CERES_VERSION_STRING; }

}  // namespace fastcv::ba
