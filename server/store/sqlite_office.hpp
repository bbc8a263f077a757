// Its former name; use open_office.hpp.
#pragma once
#include "server/store/open_office.hpp"
