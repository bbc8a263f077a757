// Clear (product.md M18): a household starts from nothing, as after its installation. The account is closed and its
// final figures are kept for the settlement; alarm levels, settings, the remote hold, tries and lock-outs stay, since
// nobody asked for them to change. Tickets of epochs that the household has seen stay worthless (credit.cpp), so a
// clear gives nothing away. How far the metering side's totals have been booked is no register and stays too.
//
// Who may order it and that the values before go to the log is decided in meter/node.
#pragma once
#include "meter/core/books.hpp"

namespace prewatt::meter {

constexpr void clear(HouseholdBook& book) {
    Account cleared;
    cleared.levels = book.account.levels;
    const bool open = book.account.is_open();
    cleared.previous_epoch = open ? book.account.epoch : book.account.previous_epoch;
    cleared.previous_used = open ? book.account.used : book.account.previous_used;
    cleared.previous_credited = open ? book.account.credited : book.account.previous_credited;
    book.account = cleared;
    book.forward = Energy{};
    book.reverse = Energy{};
    book.tariff = {};
}

}  // namespace prewatt::meter
