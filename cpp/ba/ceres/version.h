// SPDX-License-Identifier: Apache-2.0
// The Ceres that fastcv._ceres was built with.
#pragma once

namespace fastcv::ba {

const char* ceres_version();

}  // namespace fastcv::ba
